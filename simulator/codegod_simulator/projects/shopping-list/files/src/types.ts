/** What all parts speak of: the items of the list, and what can be wrong with a request. */

/** Something to buy. */
export interface Item {
  /** 1 or more; never given to another item. */
  readonly id: number;
  /** 1 to 80 characters. */
  readonly name: string;
  /** How many of it, 1 to 999. */
  readonly count: number;
  readonly done: boolean;
}

/** A new item, before it has an id. */
export interface Draft {
  readonly name: string;
  readonly count: number;
}

/** What a change may say; a field that is not there stays as it is. */
export interface Change {
  readonly name?: string;
  readonly count?: number;
  readonly done?: boolean;
}

/** Values that mean no item; the message says which field and why. */
export class BadInput extends Error {
  override readonly name = "BadInput";
}

/** There is no item with this id. */
export class UnknownItem extends Error {
  override readonly name = "UnknownItem";

  constructor(readonly id: number) {
    super(`there is no item ${id}`);
  }
}
