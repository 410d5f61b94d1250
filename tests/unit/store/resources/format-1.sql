-- The first format, as it was published. It never changes again.
PRAGMA application_id = 1348564078;
PRAGMA user_version = 1;

CREATE TABLE collections (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    embedder TEXT NOT NULL,
    index_name TEXT NOT NULL,
    identity TEXT NOT NULL,
    model TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    created_at REAL NOT NULL,
    indexed_at REAL,
    alive INTEGER NOT NULL DEFAULT 1,
    documents INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    embedded INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE documents (
    key INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections,
    path TEXT NOT NULL,
    location TEXT NOT NULL,
    digest TEXT NOT NULL,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    chunker TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (collection, path)
) STRICT;

CREATE TABLE chunks (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES collections,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    start_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    heading TEXT NOT NULL,
    embedded INTEGER NOT NULL
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document, position, id);
CREATE INDEX waiting_by_collection ON chunks (collection) WHERE embedded = 0;
CREATE INDEX waiting_by_digest ON chunks (digest) WHERE embedded = 0;

CREATE TABLE texts (
    key INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE models (
    key INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL
) STRICT;

CREATE TABLE vectors (
    key INTEGER PRIMARY KEY,
    model INTEGER NOT NULL REFERENCES models,
    digest TEXT NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (model, digest)
) STRICT;

CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections,
    op TEXT NOT NULL,
    id TEXT NOT NULL
) STRICT;
CREATE INDEX log_by_collection ON log (collection);

CREATE TABLE cursors (
    collection INTEGER NOT NULL REFERENCES collections,
    source TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER document_added AFTER INSERT ON documents BEGIN
    UPDATE collections SET documents = documents + 1 WHERE key = new.collection;
END;
CREATE TRIGGER document_removed AFTER DELETE ON documents BEGIN
    UPDATE collections SET documents = documents - 1 WHERE key = old.collection;
END;
CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN
    UPDATE collections SET chunks = chunks + 1, embedded = embedded + new.embedded WHERE key = new.collection;
END;
CREATE TRIGGER chunk_removed AFTER DELETE ON chunks BEGIN
    UPDATE collections SET chunks = chunks - 1, embedded = embedded - old.embedded WHERE key = old.collection;
END;
CREATE TRIGGER chunk_embedded AFTER UPDATE OF embedded ON chunks BEGIN
    UPDATE collections SET embedded = embedded + new.embedded - old.embedded WHERE key = new.collection;
END;

-- Two documents, one of them embedded, one changed, one gone, as that version left them.
INSERT INTO collections VALUES (1,'papers','/papers','onnx','hybrid','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','tiny',4,1700000000.0,1700000001.0,1,0,0,0);
INSERT INTO documents VALUES (1,1,'a','/papers/a','548a8df0278c07912adc703b6150b1d5','a','',0,0,'lines','{"team":"x"}');
INSERT INTO documents VALUES (2,1,'b','/papers/b','55e5305e6f8f341744cab964b1db0b62','b','',0,0,'lines','{}');
INSERT INTO chunks VALUES (1,'d5ca5c9433826ddbd3086f92fbd6d43d',1,1,0,'c88d4df74262143a08e9d190e3bd67f1',0,3,1,1,'[]',1);
INSERT INTO chunks VALUES (2,'57cfad37f13590d80e88f3e69fa9ea90',1,1,1,'d681734f8c454b90df4d5feea7487445',4,7,2,2,'[]',1);
INSERT INTO chunks VALUES (3,'0ef016967c9e2ea275f2429365cae206',1,2,0,'df38ff56a826595fca6cb4269bb3903f',0,5,1,1,'[]',0);
INSERT INTO chunks VALUES (5,'d41446fa49b8517952bded51042b6a89',1,2,1,'6cdf329252af0c3b760792a4024955ff',6,10,2,2,'[]',0);
INSERT INTO texts VALUES (1,'one');
INSERT INTO texts VALUES (2,'two');
INSERT INTO texts VALUES (3,'three');
INSERT INTO texts VALUES (5,'five');
INSERT INTO models VALUES (1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',4);
INSERT INTO vectors VALUES (1,1,'c88d4df74262143a08e9d190e3bd67f1',X'0000803F000000000000000000000000');
INSERT INTO vectors VALUES (2,1,'d681734f8c454b90df4d5feea7487445',X'000000000000803F0000000000000000');
INSERT INTO log VALUES (1,1,'put','d5ca5c9433826ddbd3086f92fbd6d43d');
INSERT INTO log VALUES (2,1,'put','57cfad37f13590d80e88f3e69fa9ea90');
INSERT INTO log VALUES (3,1,'put','0ef016967c9e2ea275f2429365cae206');
INSERT INTO log VALUES (4,1,'put','6d3e4c495fb4cf0ecf4f74501892929f');
INSERT INTO log VALUES (5,1,'vector','d5ca5c9433826ddbd3086f92fbd6d43d');
INSERT INTO log VALUES (6,1,'vector','57cfad37f13590d80e88f3e69fa9ea90');
INSERT INTO log VALUES (7,1,'delete','6d3e4c495fb4cf0ecf4f74501892929f');
INSERT INTO log VALUES (8,1,'put','d41446fa49b8517952bded51042b6a89');
INSERT INTO log VALUES (9,1,'put','a0a1827c71663432418c0c6c7a26dce8');
INSERT INTO log VALUES (10,1,'delete','a0a1827c71663432418c0c6c7a26dce8');
INSERT INTO cursors VALUES (1,'git','c0ffee');
