//! What a relay needs of the platform's hibernating sockets, each call with its failure: a throw
//! past Rust would end every request of the isolate.

use tidegate_core::UnixMillis;
use tidegate_core::relay::Closing;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Array, Date, JsString};
use worker::worker_sys::WebSocketRequestResponsePair;
use worker::{Error, Result, State, WebSocket, WebSocketPair};

#[wasm_bindgen]
extern "C" {
    type Holder;

    #[wasm_bindgen(method, catch, js_name = acceptWebSocket)]
    fn accept(this: &Holder, socket: &Socket, tags: &Array) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = getWebSockets)]
    fn sockets(this: &Holder) -> std::result::Result<Vec<Socket>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getTags)]
    fn tags(this: &Holder, socket: &Socket) -> std::result::Result<Vec<JsString>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setWebSocketAutoResponse)]
    fn answer(
        this: &Holder,
        pair: &WebSocketRequestResponsePair,
    ) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    fn answered_at(this: &Holder, socket: &Socket) -> std::result::Result<Option<Date>, JsValue>;

    /// One socket.
    #[derive(Clone)]
    pub type Socket;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Socket, message: &JsString) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &Socket, code: u16, reason: &str) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn attach(this: &Socket, value: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn attached(this: &Socket) -> std::result::Result<JsValue, JsValue>;
}

fn holder(state: &State) -> &Holder {
    let raw: &JsValue = state.as_raw().as_ref();
    raw.unchecked_ref()
}

/// Lets the platform answer pings without waking the object.
pub fn answer_pings(state: &State) -> Result<()> {
    let pair = WebSocketRequestResponsePair::new("ping", "pong")?;
    Ok(holder(state).answer(&pair)?)
}

/// Holds a new socket, which says `greeting` at once, and returns the client's end. `label` stays
/// with it while the object sleeps.
pub fn hold(state: &State, label: &str, greeting: &str, now: UnixMillis) -> Result<WebSocket> {
    let WebSocketPair { client, server } = WebSocketPair::new()?;
    let server: &JsValue = server.as_ref().as_ref();
    let server: &Socket = server.unchecked_ref();
    holder(state).accept(server, &Array::of1(&JsValue::from_str(label)))?;
    #[expect(clippy::cast_precision_loss, reason = "times are below 2^53")]
    server.attach(&JsValue::from_f64(now as f64))?;
    server.send(&greeting.into())?;
    Ok(client)
}

/// All sockets held, and with them their number. The platform lists those that left, too, for as
/// long as their client does not answer the closing.
pub fn all(state: &State) -> Result<(Vec<Socket>, u32)> {
    let mut sockets = holder(state).sockets()?;
    sockets.retain(|socket| came_at(socket).is_some());
    let count = u32::try_from(sockets.len()).unwrap_or(u32::MAX);
    Ok((sockets, count))
}

/// What a socket was labelled with.
pub fn label(state: &State, socket: &Socket) -> Result<String> {
    let tags = holder(state).tags(socket)?;
    let tag = tags
        .first()
        .ok_or_else(|| Error::from("a socket without label"))?;
    Ok(String::from(tag))
}

/// When a socket was last heard of, its last ping or when it came; `None` for one that left.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time in whole milliseconds"
)]
pub fn heard_at(state: &State, socket: &Socket) -> Result<Option<UnixMillis>> {
    let Some(came) = came_at(socket) else {
        return Ok(None);
    };
    let pinged = holder(state).answered_at(socket)?;
    Ok(Some(
        pinged.map_or(came, |at| at.get_time().max(came)) as UnixMillis
    ))
}

/// Notes that a socket leaves; whether that is news: the platform may speak twice of one that was
/// closed.
pub fn leaves(socket: &JsValue) -> bool {
    let socket: &Socket = socket.unchecked_ref();
    came_at(socket).is_some() && socket.attach(&JsValue::NULL).is_ok()
}

fn came_at(socket: &Socket) -> Option<f64> {
    socket.attached().ok()?.as_f64()
}

/// Sends a message to every socket. One that is closing already needs none.
pub fn send_to_all(sockets: &[Socket], message: &str) {
    let message = JsString::from(message);
    for socket in sockets {
        let _ = socket.send(&message);
    }
}

/// Tells every socket that it is closed, and closes it.
pub fn close_all(sockets: &[Socket], closing: Closing) {
    send_to_all(sockets, &closing.message());
    for socket in sockets {
        leaves(socket);
        close(socket, closing);
    }
}

/// Closes a socket that left, unless it is closed.
pub fn close(socket: &Socket, closing: Closing) {
    let (code, reason) = closing.frame();
    let _ = socket.close(code, reason);
}
