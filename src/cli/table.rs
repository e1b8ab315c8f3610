//! Columns of a table: each as wide as its widest cell, numbers to the right. Prints nothing.

/// The widths of the columns.
pub(crate) struct Columns<const N: usize>([usize; N]);

impl<const N: usize> Columns<N> {
    pub(crate) fn new(head: [&str; N], rows: &[[String; N]]) -> Self {
        let mut widths = head.map(|cell| cell.chars().count());
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Self(widths)
    }

    /// The cells side by side, each as wide as its column; `tinted` may colour one by its column.
    pub(crate) fn line(
        &self,
        cells: &[impl AsRef<str>; N],
        tinted: impl Fn(usize, String) -> String,
    ) -> String {
        let padded = cells.iter().zip(self.0).enumerate();
        let padded = padded.map(|(column, (cell, width))| {
            let cell = cell.as_ref();
            let padded = match is_count(cell) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            };
            tinted(column, padded)
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// A whole number, with a sign or without: it stands to the right.
fn is_count(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
