//! The masks of `p3` rows: their words, and the column types that each one fits.

use std::fmt;

use arrow::datatypes::DataType;

/// What a `p3` row says about a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Mask {
    /// Always NULL.
    Null,
    /// The last four characters.
    ShowLast4,
    /// The first four characters.
    ShowFirst4,
    /// Letters and digits replaced.
    Alphanum,
    /// A keyed hash.
    Hash,
    /// The first day of the year.
    TruncateToYear,
    /// The first day of the month.
    TruncateToMonth,
    /// Always this text, read as the column's type.
    Constant(String),
    /// The value: an explicit exemption.
    Clear,
    /// An SQL expression over the table's columns.
    Sql(String),
}

/// Why a text is not a mask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MaskFault {
    /// No such word.
    Unknown,
    /// `constant:` without `'…'`.
    Unquoted,
    /// `sql:` with nothing behind it.
    NoExpression,
}

impl Mask {
    /// The masks without an argument.
    const PLAIN: [Self; 8] = [
        Self::Null,
        Self::ShowLast4,
        Self::ShowFirst4,
        Self::Alphanum,
        Self::Hash,
        Self::TruncateToYear,
        Self::TruncateToMonth,
        Self::Clear,
    ];

    /// Words of the policy language, for suggestions.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        Self::PLAIN.iter().map(Self::word).chain(["constant:'…'", "sql:…"])
    }

    /// The word of the policy language, without an argument.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::ShowLast4 => "show_last_4",
            Self::ShowFirst4 => "show_first_4",
            Self::Alphanum => "mask_alphanum",
            Self::Hash => "hash",
            Self::TruncateToYear => "truncate_to_year",
            Self::TruncateToMonth => "truncate_to_month",
            Self::Constant(_) => "constant",
            Self::Clear => "clear",
            Self::Sql(_) => "sql",
        }
    }

    /// Reads the field of a `p3` row.
    pub(crate) fn parse(text: &str) -> Result<Self, MaskFault> {
        if let Some(argument) = text.strip_prefix("constant:") {
            return Ok(Self::Constant(unquote(argument.trim()).ok_or(MaskFault::Unquoted)?));
        }
        if let Some(argument) = text.strip_prefix("sql:") {
            let expression = argument.trim();
            return if expression.is_empty() {
                Err(MaskFault::NoExpression)
            } else {
                Ok(Self::Sql(expression.to_owned()))
            };
        }
        Self::PLAIN.into_iter().find(|mask| mask.word() == text).ok_or(MaskFault::Unknown)
    }

    /// What the column's type would have to be, where the mask does not fit it.
    pub(crate) fn misfit(&self, column: &DataType) -> Option<&'static str> {
        match self {
            Self::Null | Self::Constant(_) | Self::Clear | Self::Sql(_) => None,
            Self::ShowLast4 | Self::ShowFirst4 | Self::Alphanum | Self::Hash => {
                (!is_text(column)).then_some("a text column")
            }
            Self::TruncateToYear | Self::TruncateToMonth => {
                (!matches!(column, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _)))
                    .then_some("a date or timestamp column")
            }
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "constant:'{}'", value.replace('\'', "''")),
            Self::Sql(expression) => write!(f, "sql:{expression}"),
            Self::Null
            | Self::ShowLast4
            | Self::ShowFirst4
            | Self::Alphanum
            | Self::Hash
            | Self::TruncateToYear
            | Self::TruncateToMonth
            | Self::Clear => f.write_str(self.word()),
        }
    }
}

/// Whether values of this type are text.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The text between single quotes, doubled quotes made single.
fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let whole = inner.replace("''", "");
    (!whole.contains('\'')).then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn a_mask_is_one_of_the_known_words() {
        for mask in Mask::PLAIN {
            assert_eq!(Mask::parse(mask.word()), Ok(mask.clone()));
        }
        for bad in ["", "NULL", "Hash", "show_last_5", "hash ", "clear()"] {
            assert_eq!(Mask::parse(bad), Err(MaskFault::Unknown), "{bad:?}");
        }
    }

    #[test]
    fn a_constant_is_quoted() {
        assert_eq!(Mask::parse("constant:''"), Ok(Mask::Constant(String::new())));
        assert_eq!(Mask::parse("constant:'it''s'"), Ok(Mask::Constant("it's".to_owned())));
        for bad in ["constant:x", "constant:'", "constant:'a'b'", "constant:"] {
            assert_eq!(Mask::parse(bad), Err(MaskFault::Unquoted), "{bad:?}");
        }
        assert_eq!(Mask::parse("sql:  "), Err(MaskFault::NoExpression));
    }

    #[test]
    fn a_mask_fits_the_type_of_its_column() {
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
        let check = |mask: &Mask, data_type: &DataType, fits: bool| {
            assert_eq!(mask.misfit(data_type).is_none(), fits, "{mask} on {data_type}");
        };
        for text in [Mask::ShowLast4, Mask::ShowFirst4, Mask::Alphanum, Mask::Hash] {
            check(&text, &DataType::Utf8, true);
            check(&text, &DataType::Utf8View, true);
            check(&text, &DataType::Int64, false);
            check(&text, &timestamp, false);
        }
        for date in [Mask::TruncateToYear, Mask::TruncateToMonth] {
            check(&date, &DataType::Date32, true);
            check(&date, &timestamp, true);
            check(&date, &DataType::Utf8, false);
        }
        check(&Mask::Null, &DataType::Binary, true);
    }
}
