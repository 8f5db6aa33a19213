-- migrate:up
CREATE TABLE todos (
    -- AUTOINCREMENT: an id that a caller has seen is never given to another todo
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    notes TEXT NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
    done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    due TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE INDEX todos_by_state ON todos (done, id);

-- migrate:down
DROP INDEX todos_by_state;

DROP TABLE todos;
