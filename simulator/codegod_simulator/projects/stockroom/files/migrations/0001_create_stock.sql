-- migrate:up
CREATE TABLE articles (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    minimum INTEGER NOT NULL CHECK (minimum >= 0),
    quantity INTEGER NOT NULL DEFAULT 0 CHECK (quantity >= 0)
) WITHOUT ROWID;

CREATE TABLE movements (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL REFERENCES articles (sku),
    change INTEGER NOT NULL CHECK (change != 0),
    reason TEXT NOT NULL,
    at TEXT NOT NULL
);

CREATE INDEX movements_of_article ON movements (sku, id);

-- migrate:down
DROP INDEX movements_of_article;

DROP TABLE movements;

DROP TABLE articles;
