// A conversation is a tree: an edited question or a second answer is a branch beside the first.

export class Tree {
  constructor(messages = [], leaf = null) {
    this.byId = new Map();
    this.under = new Map();
    for (const message of messages) this.add(message);
    this.leaf = leaf && this.byId.has(leaf) ? leaf : this.newest(null);
  }

  add(message) {
    this.byId.set(message.id, message);
    const parent = message.parent ?? null;
    if (!this.under.has(parent)) this.under.set(parent, []);
    this.under.get(parent).push(message.id);
    this.leaf = message.id;
  }

  /** The end of the newest branch below `id`; below the root for null. */
  newest(id) {
    let at = id;
    for (let below; (below = this.under.get(at)); ) at = below[below.length - 1];
    return at;
  }

  /** The messages from the first to the leaf. */
  branch() {
    const path = [];
    for (let at = this.leaf; at; at = this.byId.get(at).parent ?? null) path.unshift(this.byId.get(at));
    return path;
  }

  /** The ids of all messages that stand where `message` does. */
  siblings(message) {
    return this.under.get(message.parent ?? null);
  }
}
