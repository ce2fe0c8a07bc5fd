//! A lane's own row: which lane it is, and the format of its tables. Its other rows are numbers and
//! ids.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Error, Result, Value};

use crate::calls::LaneName;

/// The format of a lane's tables. It grows when a row changes otherwise than by columns that have
/// defaults.
const FORMAT: u32 = 1;

/// Reads the row. One that names no format is of before it was named, and of the first.
pub fn read(row: &str) -> Result<LaneName> {
    let row: Value = serde_json::from_slice(row.as_bytes())?;
    match row.get("format") {
        None => {}
        Some(format) if *format == FORMAT => {}
        Some(format) => {
            return Err(Error::custom(format_args!(
                "a lane's tables are of format {format}, and this version of Tidegate reads \
                 {FORMAT}: deploy the version that wrote them"
            )));
        }
    }
    LaneName::deserialize(&row)
}

/// The row to write.
pub fn row(name: &LaneName) -> Result<String> {
    let mut row = serde_json::to_value(name)?;
    if let Some(fields) = row.as_object_mut() {
        fields.insert("format".into(), FORMAT.into());
    }
    serde_json::to_string(&row)
}
