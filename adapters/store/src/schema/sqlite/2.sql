-- Version 2. Numbers and quantities have rows; references and strings are found by their resource as well.

-- low and high are numbers whose order is that of the binary fractions as written (src/number.rs), least and most the same in
-- the base units of `base`, or low and high again where UCUM does not have the unit (base '').
CREATE TABLE amount (
    parameter INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    system TEXT NOT NULL,
    code TEXT NOT NULL,
    unit TEXT NOT NULL,
    base TEXT NOT NULL,
    least INTEGER NOT NULL,
    most INTEGER NOT NULL,
    PRIMARY KEY (parameter, low, high, resource, system, code, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX amount_base ON amount (parameter, base, least, most);
CREATE INDEX amount_resource ON amount (resource, parameter, least);

-- The few that are wide, by their end: whoever looks for what ends late would have to read all that began before. The test stands
-- in queries as it stands here.
CREATE INDEX amount_wide ON amount (parameter, high) WHERE high <> low;
CREATE INDEX amount_base_wide ON amount (parameter, base, most) WHERE most <> least;
CREATE INDEX date_wide ON date (parameter, high) WHERE high / 2 - low / 2 > 43200000000;

CREATE INDEX link_resource ON link (resource, parameter);
CREATE INDEX text_resource ON text (resource, parameter);
