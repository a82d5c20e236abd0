//! Every format, by example.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::sync::Arc;

use ::arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Int64Array, ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use ::arrow::buffer::OffsetBuffer;
use ::arrow::datatypes::{DataType, Field, Int32Type};
use ::arrow::ipc::reader::StreamReader;

use super::*;

fn people() -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(300)]));
    let name: ArrayRef = Arc::new(StringArray::from(vec![Some("Ann"), Some("漢字"), None]));
    RecordBatch::try_from_iter_with_nullable([("id", id, true), ("name", name, true)]).unwrap()
}

fn odd() -> RecordBatch {
    let money = Decimal128Array::from(vec![12345]).with_precision_and_scale(18, 2).unwrap();
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice()]));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None])]);
    let fields = vec![Arc::new(Field::new("a", DataType::Binary, true))];
    let structs = StructArray::new(fields.into(), vec![Arc::clone(&bytes)], None);
    let list_of_bytes = ListArray::new(
        Arc::new(Field::new_list_field(DataType::Binary, true)),
        OffsetBuffer::from_lengths([1]),
        Arc::clone(&bytes),
        None,
    );
    let columns: [(&str, ArrayRef); 6] = [
        ("money", Arc::new(money)),
        ("bytes", bytes),
        ("list", Arc::new(list)),
        ("struct", Arc::new(structs)),
        ("hex", Arc::new(list_of_bytes)),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC"))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn text(value: &str) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(vec![value]));
    RecordBatch::try_from_iter([("a", column)]).unwrap()
}

fn print_as(format: Format, expanded: Expanded, screen_width: Option<usize>, batches: &[RecordBatch]) -> Vec<u8> {
    let mut printer = Layout { format, expanded, screen_width }.printer(&batches[0].schema()).unwrap();
    let mut out = Vec::new();
    for batch in batches {
        printer.batch(batch, &mut out).unwrap();
    }
    printer.finish(&mut out).unwrap();
    out
}

fn check(format: Format, batch: &RecordBatch, expected: &str) {
    let printed = String::from_utf8(print_as(format, Expanded::Off, None, std::slice::from_ref(batch))).unwrap();
    assert_eq!(printed, expected, "\n{printed}");
}

#[test]
fn a_table_is_aligned_with_numbers_at_the_right() {
    check(Format::Table, &people(), "  id  | name\n------+------\n    1 | Ann\n NULL | 漢字\n  300 | NULL\n(3 rows)\n");
}

#[test]
fn a_table_without_rows_has_a_header() {
    check(Format::Table, &people().slice(0, 0), " id | name\n----+------\n(0 rows)\n");
    check(Format::Expanded, &people().slice(0, 0), "(0 rows)\n");
    check(Format::Csv, &people().slice(0, 0), "id,name\n");
    check(Format::Json, &people().slice(0, 0), "[]\n");
    check(Format::Jsonl, &people().slice(0, 0), "");
    check(Format::Markdown, &people().slice(0, 0), "| id | name |\n| --: | --- |\n");
}

#[test]
fn a_value_of_several_lines_goes_on_below() {
    let two: ArrayRef = Arc::new(StringArray::from(vec!["one\nthree"]));
    let one: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let batch = RecordBatch::try_from_iter([("long", two), ("b", one)]).unwrap();
    check(Format::Table, &batch, " long  | b\n-------+---\n one  +| x\n three |\n(1 row)\n");
    check(Format::Expanded, &batch, "-[ RECORD 1 ]\nlong | one+\n     | three\nb    | x\n(1 row)\n");
}

#[test]
fn an_expanded_record_has_one_line_a_value() {
    let columns: [(&str, ArrayRef); 2] = [
        ("identifier_of_it", Arc::new(Int64Array::from(vec![7]))),
        ("b", Arc::new(StringArray::from(vec!["some text"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let expected = "-[ RECORD 1 ]----+----------\nidentifier_of_it | 7\nb                | some text\n(1 row)\n";
    check(Format::Expanded, &batch, expected);
}

#[test]
fn a_table_wider_than_the_screen_is_expanded() {
    let narrow = print_as(Format::Table, Expanded::Auto, Some(13), &[people()]);
    assert!(narrow.starts_with(b"  id  | name\n"));
    let wide = print_as(Format::Table, Expanded::Auto, Some(12), &[people()]);
    assert!(wide.starts_with(b"-[ RECORD 1 ]\nid   | 1\n"));
    assert!(wide.ends_with(b"name | NULL\n(3 rows)\n"));
}

#[test]
fn a_long_table_goes_on_with_the_widths_it_has() {
    let mut printer = Layout { format: Format::Table, expanded: Expanded::Off, screen_width: None }
        .printer(&text("").schema())
        .unwrap();
    let mut out = Vec::new();
    for _ in 0..10_000 {
        printer.batch(&text("ab"), &mut out).unwrap();
    }
    assert!(out.starts_with(b" a\n----\n ab\n"), "the rows are not kept for ever");
    out.clear();
    printer.batch(&text("wider"), &mut out).unwrap();
    assert_eq!(out, b" wider\n");
    out.clear();
    printer.finish(&mut out).unwrap();
    assert_eq!(out, b"(10001 rows)\n");
}

#[test]
fn csv_and_tsv_have_a_header_and_quotes_where_needed() {
    check(Format::Csv, &people(), "id,name\n1,Ann\n,漢字\n300,\n");
    check(Format::Tsv, &people(), "id\tname\n1\tAnn\n\t漢字\n300\t\n");
    check(Format::Csv, &text("a,\"b\"\nc"), "a\n\"a,\"\"b\"\"\nc\"\n");
    check(
        Format::Csv,
        &odd(),
        "money,bytes,list,struct,hex,at\n123.45,\\x00ff,\"[1, NULL]\",{a: \\x00ff},[\\x00ff],1970-01-01T00:00:00Z\n",
    );
}

#[test]
fn the_csv_header_comes_once() {
    let printed = print_as(Format::Csv, Expanded::Off, None, &[text("1"), text("2")]);
    assert_eq!(printed, b"a\n1\n2\n");
}

#[test]
fn json_is_one_array_and_jsonl_one_object_a_line() {
    let rows = [r#"{"id":1,"name":"Ann"}"#, r#"{"id":null,"name":"漢字"}"#, r#"{"id":300,"name":null}"#];
    check(Format::Json, &people(), &format!("[{}]\n", rows.join(",\n")));
    check(Format::Jsonl, &people(), &format!("{}\n", rows.join("\n")));
    check(
        Format::Jsonl,
        &odd(),
        "{\"money\":123.45,\"bytes\":\"\\\\x00ff\",\"list\":[1,null],\"struct\":{\"a\":\"\\\\x00ff\"},\
         \"hex\":[\"\\\\x00ff\"],\"at\":\"1970-01-01T00:00:00Z\"}\n",
    );
    check(Format::Jsonl, &text("a\n\"b\""), "{\"a\":\"a\\n\\\"b\\\"\"}\n");
}

#[test]
fn markdown_does_not_read_values_as_markup() {
    check(Format::Markdown, &people(), "| id | name |\n| --: | --- |\n| 1 | Ann |\n| NULL | 漢字 |\n| 300 | NULL |\n");
    check(Format::Markdown, &text("a|b\n<img> \\"), "| a |\n| --- |\n| a\\|b<br>&lt;img> \\\\ |\n");
}

#[test]
fn arrow_gives_back_what_came() {
    let bytes = print_as(Format::Arrow, Expanded::Off, None, &[odd(), odd()]);
    let batches: Vec<_> = StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches, [odd(), odd()]);
}

#[test]
fn a_value_cannot_forge_rows_or_obey_a_terminal() {
    for format in [Format::Table, Format::Expanded, Format::Markdown, Format::Json, Format::Jsonl] {
        let printed = print_as(format, Expanded::Off, None, &[text("\x1b[2J\r\u{8}")]);
        let harmless = printed.iter().all(|byte| *byte == b'\n' || !byte.is_ascii_control());
        assert!(harmless, "{format:?}: {}", String::from_utf8_lossy(&printed));
    }
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let named = RecordBatch::try_from_iter([("\x1b[31m", column)]).unwrap();
    check(Format::Table, &named, " \\x1b[31m\n----------\n        1\n(1 row)\n");
}
