//! Masks of text columns.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::key::HashKey;
use crate::rules::mask::is_text;

/// What is written for the characters that are not shown. Always the same, so that it does not tell how
/// many there are.
const HIDDEN: &str = "****";
/// How many characters are shown.
const SHOWN: usize = 4;

/// How a text is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Style {
    ShowLast4,
    ShowFirst4,
    Alphanum,
    Hash(Arc<HashKey>),
}

impl Style {
    fn name(&self) -> &'static str {
        match self {
            Self::ShowLast4 => "show_last_4",
            Self::ShowFirst4 => "show_first_4",
            Self::Alphanum => "mask_alphanum",
            Self::Hash(_) => "hash",
        }
    }

    fn apply(&self, text: &str) -> String {
        match self {
            Self::ShowLast4 => format!("{HIDDEN}{}", last(text)),
            Self::ShowFirst4 => format!("{}{HIDDEN}", first(text)),
            Self::Alphanum => text.chars().map(replaced).collect(),
            Self::Hash(key) => key.digest(text),
        }
    }
}

/// The last four characters; none of a text that has no others.
fn last(text: &str) -> &str {
    match text.char_indices().rev().nth(SHOWN - 1) {
        Some((start, _)) if start > 0 => &text[start..],
        _ => "",
    }
}

/// The first four characters; none of a text that has no others.
fn first(text: &str) -> &str {
    text.char_indices().nth(SHOWN).map_or("", |(end, _)| &text[..end])
}

/// `X` for a capital, `0` for a digit, `x` for any other letter and everything beyond ASCII; ASCII signs stay.
fn replaced(character: char) -> char {
    if character.is_uppercase() {
        'X'
    } else if character.is_numeric() {
        '0'
    } else if character.is_ascii() && !character.is_ascii_alphabetic() {
        character
    } else {
        'x'
    }
}

/// A mask as a function: NULL gives NULL, and every text a text of the same type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextMask {
    style: Style,
    signature: Signature,
}

impl TextMask {
    pub(super) fn function(style: Style) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Self { style, signature }))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type passes coerce_types")]
    fn mask(&self, values: &dyn Array) -> Result<ArrayRef> {
        let apply = |value: Option<&str>| value.map(|text| self.style.apply(text));
        Ok(match values.data_type() {
            DataType::Utf8 => Arc::new(values.as_string::<i32>().iter().map(apply).collect::<StringArray>()),
            DataType::LargeUtf8 => Arc::new(values.as_string::<i64>().iter().map(apply).collect::<LargeStringArray>()),
            DataType::Utf8View => Arc::new(values.as_string_view().iter().map(apply).collect::<StringViewArray>()),
            other => return internal_err!("{} got {other}", self.style.name()),
        })
    }
}

/// The key is left out: a digest of it must not travel.
impl Hash for TextMask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.style.name().hash(state);
    }
}

impl ScalarUDFImpl for TextMask {
    fn name(&self) -> &str {
        self.style.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.coerce_types(arguments)?.pop().map_or_else(|| internal_err!("no argument"), Ok)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [text] if is_text(text) => Ok(vec![text.clone()]),
            [DataType::Dictionary(_, text)] if is_text(text) => Ok(vec![text.as_ref().clone()]),
            [DataType::Null] => Ok(vec![DataType::Utf8]),
            _ => plan_err!("{} masks one text", self.style.name()),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [ColumnarValue::Array(values)] => self.mask(values.as_ref()).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(value)] => {
                let masked = self.mask(value.to_array()?.as_ref())?;
                ScalarValue::try_from_array(masked.as_ref(), 0).map(ColumnarValue::Scalar)
            }
            _ => internal_err!("{} masks one text", self.style.name()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    fn check(style: &Style, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(style.apply(text), *expected, "{} of {text:?}", style.name());
        }
    }

    #[test]
    fn show_last_4_shows_four_characters_and_hides_the_length() {
        let cases = [
            ("4111111111111234", "****1234"),
            ("12345", "****2345"),
            ("1234", "****"),
            ("", "****"),
            ("äöüßé", "****öüßé"),
            ("😀😁😂😃", "****"),
            ("😀😁😂😃😄", "****😁😂😃😄"),
        ];
        check(&Style::ShowLast4, &cases);
    }

    #[test]
    fn show_first_4_shows_four_characters_and_hides_the_length() {
        let cases = [
            ("ann@example.org", "ann@****"),
            ("12345", "1234****"),
            ("1234", "****"),
            ("", "****"),
            ("äöüßé", "äöüß****"),
        ];
        check(&Style::ShowFirst4, &cases);
    }

    #[test]
    fn mask_alphanum_keeps_ascii_signs_only() {
        check(&Style::Alphanum, &[("Ann-B 42.x", "Xxx-X 00.x"), ("Äß 漢é️ ²", "Xx xxx 0"), ("", "")]);
    }

    #[test]
    fn every_text_type_keeps_its_type_and_its_nulls() {
        let mask = TextMask { style: Style::ShowLast4, signature: Signature::user_defined(Volatility::Immutable) };
        let values = [Some("abcdef"), None, Some("ab")];
        let expected = [Some("****cdef"), None, Some("****")];
        let narrow = mask.mask(&StringArray::from(values.to_vec())).unwrap();
        assert_eq!(narrow.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
        let large = mask.mask(&LargeStringArray::from(values.to_vec())).unwrap();
        assert_eq!(large.as_string::<i64>().iter().collect::<Vec<_>>(), expected);
        let view = mask.mask(&StringViewArray::from(values.to_vec())).unwrap();
        assert_eq!(view.as_string_view().iter().collect::<Vec<_>>(), expected);
        let dictionary = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
        assert_eq!(mask.coerce_types(&[dictionary]).unwrap(), [DataType::Utf8]);
        assert!(mask.coerce_types(&[DataType::Int64]).is_err());
    }
}
