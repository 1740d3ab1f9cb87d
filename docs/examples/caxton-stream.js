// A stream of a Caxton node that survives its connection: after a break it goes on behind the last event that came.
//
//   new CaxtonStream("wss://node:8080/ws", {
//     token, operation: "ClusterService/WatchMembers", request: {},
//     onEvent: (data) => ..., onEnd: (error) => ..., onState: (text) => ...,
//   });
"use strict";

class CaxtonStream {
  static FIRST_WAIT_MS = 100;
  static LONGEST_WAIT_MS = 10_000;

  constructor(url, { token, operation, request = {}, onEvent, onEnd = () => {}, onState = () => {} }) {
    Object.assign(this, { url, token, operation, request, onEvent, onEnd, onState });
    this.cursor = ""; // of the last event that came; the node goes on behind it
    this.waitMs = CaxtonStream.FIRST_WAIT_MS;
    this.finished = false;
    this.connect();
  }

  // End the stream for good.
  close() {
    this.finished = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.say({ type: "unsubscribe", id: "1" });
    this.socket?.close();
  }

  // A node asks for a client certificate, which nobody needs to have. Chromium decides about that for a page or a
  // fetch, but gives a WebSocket up that comes first: so something is fetched before it.
  async connect() {
    this.onState("connecting");
    const node = new URL("/health", this.url.replace(/^ws/, "http"));
    await fetch(node, { mode: "no-cors", cache: "no-store" }).catch(() => null);
    if (this.finished) return;
    this.socket = new WebSocket(this.url, "caxton.v1");
    this.socket.onopen = () => this.say({ type: "authenticate", token: this.token });
    this.socket.onmessage = (message) => this.hear(JSON.parse(message.data));
    this.socket.onclose = (event) => this.handleClose(event);
  }

  say(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  subscribe() {
    const frame = { type: "subscribe", id: "1", operation: this.operation, request: this.request };
    if (this.cursor) frame.cursor = this.cursor;
    this.say(frame);
  }

  hear(frame) {
    switch (frame.type) {
      case "authenticated":
        return this.subscribe();
      case "subscribed":
        this.waitMs = CaxtonStream.FIRST_WAIT_MS;
        this.cursor = frame.cursor;
        return this.onState("reading");
      case "event":
        this.cursor = frame.cursor;
        return this.onEvent(frame.data);
      case "end":
        return this.finish(null);
      case "error":
        return this.finish(frame.error); // CURSOR_EXPIRED among them: what is between is lost, begin anew
    }
  }

  // 1008 is a refusal that a second try would meet again; after anything else the node may be back soon.
  handleClose(event) {
    if (this.finished) return;
    if (event.code === 1008) return this.finish({ code: event.reason.split(":")[0], message: event.reason });
    this.onState(`broken (${event.code}), next try in ${this.waitMs} ms`);
    setTimeout(() => this.connect(), this.waitMs * (0.5 + Math.random() / 2));
    this.waitMs = Math.min(2 * this.waitMs, CaxtonStream.LONGEST_WAIT_MS);
  }

  finish(error) {
    if (this.finished) return;
    this.finished = true;
    this.socket.close();
    this.onEnd(error);
  }
}
