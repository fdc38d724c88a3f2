//! Writing [`super::Metadata`] value by value.

use super::Table;

/// The JSON of one `/metadata/*.json` in the making.
///
/// ```
/// use wadup_protocol::metadata::{Metadata, MetadataBuffer, RowWriter};
///
/// let writer = RowWriter::new("users");
/// let mut row = Vec::new();
/// writer.begin(&mut row);
/// writer.int(&mut row, 30);
/// writer.null(&mut row);
/// writer.end(&mut row);
///
/// let mut buffer = MetadataBuffer::default();
/// buffer.push_row(&row);
/// let metadata: Metadata = serde_json::from_slice(&buffer.to_json())?;
/// assert_eq!(metadata.rows[0].table_name, "users");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MetadataBuffer {
    tables: Vec<u8>,
    rows: Vec<u8>,
}

impl MetadataBuffer {
    /// Const, so that a buffer can be a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tables: Vec::new(),
            rows: Vec::new(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.rows.is_empty()
    }

    /// About how many bytes [`Self::to_json`] gives.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len() + self.rows.len()
    }

    pub fn push_table(&mut self, table: &Table) {
        separate(&mut self.tables);
        to_json(&mut self.tables, table);
    }

    /// Adds a row that a [`RowWriter`] has written.
    pub fn push_row(&mut self, row: &[u8]) {
        separate(&mut self.rows);
        self.rows.extend_from_slice(row);
    }

    /// All tables and rows so far.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let parts: [&[u8]; 5] = [
            b"{\"tables\":[",
            &self.tables,
            b"],\"rows\":[",
            &self.rows,
            b"]}",
        ];
        parts.concat()
    }

    /// Forgets everything; keeps the memory.
    pub fn clear(&mut self) {
        self.tables.clear();
        self.rows.clear();
    }
}

/// Writes rows of one table: [`Self::begin`], one call for each column, [`Self::end`].
#[derive(Debug, Clone)]
pub struct RowWriter {
    /// Everything before the first value, which is the same for all rows.
    prefix: Vec<u8>,
}

impl RowWriter {
    #[must_use]
    pub fn new(table_name: &str) -> Self {
        let mut prefix = b"{\"table_name\":".to_vec();
        to_json(&mut prefix, table_name);
        prefix.extend_from_slice(b",\"values\":[");
        Self { prefix }
    }

    pub fn begin(&self, row: &mut Vec<u8>) {
        row.extend_from_slice(&self.prefix);
    }

    pub fn null(&self, row: &mut Vec<u8>) {
        self.next_value(row);
        row.extend_from_slice(b"null");
    }

    pub fn int(&self, row: &mut Vec<u8>, value: i64) {
        self.next_value(row);
        row.extend_from_slice(b"{\"Int64\":");
        to_json(row, &value);
        row.push(b'}');
    }

    /// `value` has to be finite: JSON has no other numbers, and a reader would find `null`.
    pub fn float(&self, row: &mut Vec<u8>, value: f64) {
        self.next_value(row);
        row.extend_from_slice(b"{\"Float64\":");
        to_json(row, &value);
        row.push(b'}');
    }

    pub fn string(&self, row: &mut Vec<u8>, value: &str) {
        self.next_value(row);
        row.extend_from_slice(b"{\"String\":");
        to_json(row, value);
        row.push(b'}');
    }

    pub fn end(&self, row: &mut Vec<u8>) {
        row.extend_from_slice(b"]}");
    }

    fn next_value(&self, row: &mut Vec<u8>) {
        if row.last() != Some(&b'[') {
            row.push(b',');
        }
    }
}

fn separate(list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.push(b',');
    }
}

fn to_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Only a map with keys that are no strings, or a writer that fails, could be an error.
    serde_json::to_writer(out, value).expect("plain values have a JSON form");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Column, DataType, Metadata, Row, Value};

    fn table(name: &str) -> Table {
        Table {
            name: name.to_owned(),
            columns: vec![Column {
                name: "c\"1".to_owned(),
                data_type: DataType::Float64,
            }],
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let writer = RowWriter::new("odd \"name\"\u{1}");
        let mut row = Vec::new();
        writer.begin(&mut row);
        writer.string(&mut row, "ends with [");
        writer.int(&mut row, i64::MIN);
        writer.float(&mut row, -0.1);
        writer.null(&mut row);
        writer.end(&mut row);
        let mut buffer = MetadataBuffer::new();
        buffer.push_table(&table("a"));
        buffer.push_table(&table("b"));
        buffer.push_row(&row);
        buffer.push_row(&row);

        let metadata: Metadata = serde_json::from_slice(&buffer.to_json()).unwrap();
        let expected = Row {
            table_name: "odd \"name\"\u{1}".to_owned(),
            values: vec![
                Some(Value::String("ends with [".to_owned())),
                Some(Value::Int64(i64::MIN)),
                Some(Value::Float64(-0.1)),
                None,
            ],
        };
        assert_eq!(metadata.tables, [table("a"), table("b")]);
        assert_eq!(metadata.rows, [expected.clone(), expected]);
    }

    #[test]
    fn floats_survive() {
        let writer = RowWriter::new("t");
        let spread = (1..10_000_u64).map(|n| f64::from_bits(n.wrapping_mul(0x0003_9d1f_7a2c_4e6b)));
        let special = [0.0, -0.0, 1e300, 5e-324, f64::MAX, 1.0 / 3.0, 1e22];
        for value in special
            .into_iter()
            .chain(spread)
            .filter(|value| value.is_finite())
        {
            let mut row = Vec::new();
            writer.begin(&mut row);
            writer.float(&mut row, value);
            writer.end(&mut row);
            let row: Row = serde_json::from_slice(&row).unwrap();
            assert_eq!(row.values, [Some(Value::Float64(value))]);
        }
    }

    #[test]
    fn a_cleared_buffer_is_empty() {
        let mut buffer = MetadataBuffer::new();
        assert!(buffer.is_empty());
        buffer.push_table(&table("a"));
        assert!(!buffer.is_empty());
        assert_eq!(
            buffer.len(),
            buffer.to_json().len() - r#"{"tables":[],"rows":[]}"#.len()
        );
        buffer.clear();
        assert!(buffer.is_empty());
        assert_eq!(buffer.to_json(), b"{\"tables\":[],\"rows\":[]}");
    }
}
