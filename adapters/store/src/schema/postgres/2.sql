-- Version 2. The same as in SQLite.

CREATE TABLE amount (
    parameter BIGINT NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    resource BIGINT NOT NULL,
    system TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" NOT NULL,
    base TEXT COLLATE "C" NOT NULL,
    least BIGINT NOT NULL,
    most BIGINT NOT NULL
);
CREATE INDEX amount_low ON amount (parameter, low, high, resource);
CREATE INDEX amount_base ON amount (parameter, base, least, most);
CREATE INDEX amount_resource ON amount (resource, parameter, least);
CREATE INDEX amount_wide ON amount (parameter, high) WHERE high <> low;
CREATE INDEX amount_base_wide ON amount (parameter, base, most) WHERE most <> least;
CREATE INDEX date_wide ON date (parameter, high) WHERE high / 2 - low / 2 > 43200000000;

CREATE INDEX link_resource ON link (resource, parameter);
CREATE INDEX text_resource ON text (resource, parameter);
