//! The core's modules depend on each other one way: none, by whatever detour, on itself.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each module of the crate, which others it names, and one of its files that does.
type Uses = BTreeMap<String, BTreeMap<String, PathBuf>>;

#[test]
fn no_module_of_the_core_depends_on_itself_by_way_of_another() {
    let uses = uses();
    assert!(uses.len() > 10, "{:?}", uses.keys());
    if let Some(circle) = circle(&uses) {
        let steps = circle.windows(2).filter_map(|pair| {
            let [from, to] = pair else { return None };
            let file = uses.get(from)?.get(to)?;
            Some(format!("{from} uses {to} in {}", file.display()))
        });
        let steps: Vec<_> = steps.collect();
        panic!(
            "a circle of modules:\n{}\nWhat two of them share stands below both, as core/src/terms.rs does.",
            steps.join("\n")
        );
    }
}

#[test]
fn a_circle_is_found_and_a_detour_is_none() {
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (from, to) in pairs {
            let others = uses.entry((*from).to_owned()).or_default();
            others.insert((*to).to_owned(), PathBuf::new());
        }
        uses
    };
    assert_eq!(circle(&uses(&[("a", "b"), ("a", "c"), ("b", "c")])), None);
    let found = circle(&uses(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]));
    assert_eq!(found.unwrap(), ["b", "c", "d", "b"]);
    let code = "use crate::ids::Epoch;\n// crate::never\nlet x = crate::hex::hex();\n#[cfg(test)]\nuse crate::sim;";
    assert_eq!(named(code), ["ids", "hex"]);
}

/// The modules of a circle, the first of them once more at the end.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    uses.keys()
        .find_map(|module| walk(module, uses, &mut Vec::new(), &mut done))
}

fn walk(
    module: &str,
    uses: &Uses,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(from) = way.iter().position(|passed| passed == module) {
        let passed = way.iter().skip(from).cloned();
        return Some(passed.chain([module.to_owned()]).collect());
    }
    if done.contains(module) {
        return None;
    }
    way.push(module.to_owned());
    let others = uses.get(module).into_iter().flat_map(BTreeMap::keys);
    for other in others {
        let found = walk(other, uses, way, done);
        if found.is_some() {
            return found;
        }
    }
    way.pop();
    done.insert(module.to_owned());
    None
}

fn uses() -> Uses {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses = Uses::new();
    for file in files(&root) {
        let place = file.strip_prefix(&root).unwrap();
        let top = Path::new(place.iter().next().unwrap());
        let module = top.file_stem().unwrap().to_str().unwrap();
        // What joins the modules is above them, and tests may use what they like.
        if module == "lib" || place.ends_with("tests.rs") {
            continue;
        }
        for other in named(&fs::read_to_string(&file).unwrap()) {
            if other != module {
                let others = uses.entry(module.to_owned()).or_default();
                others.insert(other, place.to_owned());
            }
        }
    }
    uses
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    found.collect()
}

/// The modules of the crate that a file's code names, its tests apart.
fn named(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1));
    let names = paths.map(|path| {
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        path.chars().take_while(|letter| is_name(*letter)).collect()
    });
    names.filter(|name: &String| !name.is_empty()).collect()
}
