//! The atoms of UCUM: code, marks, factor, unit, name.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use serde_json::Value;

use crate::package::{items, one_line};

/// Reads a table of units with a line of column names, and writes the atoms of UCUM itself.
pub(crate) fn write(table: &str, out: &str) -> Result<(), Box<dyn Error>> {
    let table: Value = serde_json::from_reader(File::open(table)?)?;
    let units = table.get("units").ok_or("expected units")?;
    let columns: Vec<_> = items(units, "config").iter().map(column).collect();
    let mut text = String::new();
    for row in items(units, "data") {
        let cell = |name: &str| row.get(columns.iter().position(|known| *known == name)?);
        let cell_text = |name: &str| cell(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is = |name: &str| cell(name).and_then(Value::as_bool).unwrap_or_default();
        if cell_text("source_") != "UCUM" {
            continue;
        }
        let marks =
            [("base", "isBase_"), ("metric", "isMetric_"), ("special", "isSpecial_"), ("arbitrary", "isArbitrary_")];
        let marks: Vec<_> = marks.into_iter().filter(|(_, column)| is(column)).map(|(mark, _)| mark).collect();
        let (code, unit, factor) = (cell_text("csCode_"), cell_text("csUnitString_"), cell_text("baseFactorStr_"));
        let name = one_line(&cell_text("name_"));
        writeln!(text, "{code}\t{}\t{factor}\t{unit}\t{name}", marks.join(" "))?;
    }
    std::fs::write(Path::new(out).join("units.txt"), text)?;
    Ok(())
}

/// A column has a name, or several of which the first counts.
fn column(name: &Value) -> &str {
    name.as_str().or_else(|| name.get(0)?.as_str()).unwrap_or_default()
}
