//! Writes the JavaScript that a Worker's WebAssembly needs: `wasm-bindgen`, with the options that a
//! Worker takes. The command of that name brings a web server and a TLS stack for its test runner,
//! and takes four times as long to compile.
//!
//! Cargo.lock keeps the library at the version of `wasm-bindgen` itself, for both stand on the same
//! `wasm-bindgen-shared`: no tool can be of another version than the Worker.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, folder] = words.as_slice() else {
        return Err("usage: tidegate-bindgen FILE.wasm FOLDER".into());
    };
    Bindgen::new()
        .module(true)?
        .input_path(wasm)
        .out_name("index")
        .typescript(false)
        // After a panic the instance is made anew: `inRust` in src/entry.js.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(folder)?;
    Ok(())
}
