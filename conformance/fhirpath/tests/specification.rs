//! The specification clause by clause: what each function and operator does at its edges (FHIRPath 2.0.0 and the 3.0 ballot).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use fhir::Version;
use fhir::json::{Document, Limits, scan};
use fhirpath::temporal::TemporalKind;
use fhirpath::{Environment, Item, Program};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"gender":"male","birthDate":"1974-12-25",
  "name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","family":"Abel","given":["Jim"]}],
  "_gender":{"extension":[{"url":"urn:e","valueCode":"x"}]},"photo":[{"size":3}],"multipleBirthInteger":2,
  "telecom":[{"system":"phone","rank":2},{"system":"email","rank":1}]}"#;

fn run(expression: &str) -> Result<Vec<String>, String> {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let document = Document::new(PATIENT.as_bytes(), &nodes);
    let program = Program::compile(expression, Version::R5).map_err(|error| error.to_string())?;
    let environment = Environment { now: 1_715_938_200_000_000, ..Environment::new(document) };
    let found = program.evaluate(&environment).map_err(|error| error.to_string())?;
    Ok(found.iter().map(|item| show(document, item)).collect())
}

fn show(document: Document<'_>, item: &Item<'_>) -> String {
    match item {
        Item::Boolean(value) => value.to_string(),
        Item::Integer(value) => value.to_string(),
        Item::Long(value) => format!("{value}L"),
        Item::Decimal(value) => value.to_string(),
        Item::Text(text) => format!("'{text}'"),
        Item::Temporal(value) if value.kind == TemporalKind::Time => format!("@T{value}"),
        Item::Temporal(value) => format!("@{value}"),
        Item::Quantity(quantity) if quantity.calendar => format!("{} {}", quantity.value, quantity.unit),
        Item::Quantity(quantity) => format!("{} '{}'", quantity.value, quantity.unit),
        Item::Type(namespace, name) => format!("{namespace}.{name}"),
        Item::Element(element) => {
            let value = document.at(element.any_node()).unwrap();
            value.text().map_or_else(|| String::from_utf8_lossy(value.raw()).into_owned(), |text| text.into_owned())
        }
        Item::Remote(_) | Item::Foreign(_) | Item::Terminologies => "elsewhere".to_owned(),
    }
}

/// One expectation a line: `expression => items`, items separated by blanks; `!` for an error.
fn meets(table: &str) {
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expression, expected) = line.rsplit_once("=>").unwrap();
        let found = run(expression).map_or_else(|_| "!".to_owned(), |items| items.join(" "));
        if found != expected.trim() {
            wrong.push(format!("{line} but {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn existence_of_nothing_is_decided_and_negation_of_nothing_is_not() {
    meets(
        r#"
        {}.empty() => true
        {}.exists() => false
        {}.all($this = 1) => true
        {}.allTrue() => true
        {}.anyTrue() => false
        {}.allFalse() => true
        {}.anyFalse() => false
        {}.subsetOf(1 | 2) => true
        (1 | 2).supersetOf({}) => true
        (1 | 2).subsetOf({}) => false
        {}.isDistinct() => true
        {}.count() => 0
        1.combine(1).isDistinct() => false
        {}.not() =>
        1.combine(1).distinct().count() => 1
        (1 | 2 | 3).exists($this > 2) => true
        (1 | 2).all($this < 2) => false
        (true | false).allTrue() => false
        (1 | 2).allTrue() => !
        "#,
    );
}

#[test]
fn filters_and_projections_go_item_by_item() {
    meets(
        r#"
        {}.where(true) =>
        (1 | 2 | 3).where($this > 1) => 2 3
        (1 | 2 | 3).where({}) =>
        (1 | 2 | 3).select($this * 2) => 2 4 6
        (1 | 2 | 3).select({}) =>
        (1 | 2).select($this | 10) => 1 10 2 10
        (10 | 20 | 30).select($index) => 0 1 2
        name.select(given.first()) => Peter Jim
        (1 | 'a' | true).ofType(Integer) => 1
        (1 | 'a' | true).ofType(System.String) => 'a'
        name.ofType(HumanName).count() => 2
        1.repeat(iif($this < 4, $this + 1, {})) => 2 3 4
        1.repeatAll(iif($this < 3, $this + 1, {})) => 2 3
        "#,
    );
}

#[test]
fn parts_of_a_collection_outside_of_it_are_empty() {
    meets(
        r#"
        (1 | 2 | 3)[1] => 2
        (1 | 2 | 3)[3] =>
        (1 | 2 | 3)[-1] =>
        {}[0] =>
        {}.single() =>
        5.single() => 5
        (1 | 2).single() => !
        {}.first() =>
        (1 | 2 | 3).first() => 1
        (1 | 2 | 3).last() => 3
        (1 | 2 | 3).tail() => 2 3
        1.tail() =>
        (1 | 2 | 3).skip(-1) => 1 2 3
        (1 | 2 | 3).skip(2) => 3
        (1 | 2 | 3).skip(5) =>
        (1 | 2 | 3).take(2) => 1 2
        (1 | 2 | 3).take(0) =>
        (1 | 2 | 3).take(-2) =>
        (1 | 2 | 3).take(9) => 1 2 3
        1.combine(1).combine(2).intersect(1 | 3) => 1
        1.combine(1).combine(2).exclude(2) => 1 1
        "#,
    );
}

#[test]
fn union_drops_repeats_and_combine_keeps_them() {
    meets(
        r#"
        (1 | 1 | 2) => 1 2
        1.union(1) => 1
        1.combine(1) => 1 1
        {}.union(1) => 1
        {} | {} =>
        (1 | 1.0).count() => 1
        name.select(use.union(given)).count() => 5
        (name.given | name.given).count() => 3
        "#,
    );
}

#[test]
fn conversions_give_nothing_where_the_text_is_no_such_value() {
    meets(
        r#"
        iif(true, 1) => 1
        iif(false, 1) =>
        iif({}, 1, 2) => 2
        iif(1, 1, 2) => !
        iif(true, 1, 1 / 'a') => 1
        'yes'.toBoolean() => true
        'F'.toBoolean() => false
        '1.0'.toBoolean() => true
        1.0.toBoolean() => true
        '2'.toBoolean() =>
        2.toBoolean() =>
        {}.toBoolean() =>
        {}.convertsToBoolean() =>
        (1 | 2).toInteger() => !
        '+5'.toInteger() => 5
        '-5'.toInteger() => -5
        '1.5'.toInteger() =>
        '2147483648'.toInteger() =>
        '2147483648'.toLong() => 2147483648L
        true.toInteger() => 1
        1.5.convertsToInteger() => false
        5L => 5L
        5L + 3 => 8L
        5L is Long => true
        '1.5'.toDecimal() => 1.5
        '1.'.toDecimal() =>
        '.5'.toDecimal() =>
        '1e3'.toDecimal() =>
        true.toDecimal() => 1.0
        5.toDecimal() => 5
        '2015'.toDate() => @2015
        '2015-02'.toDate() => @2015-02
        '2015-13'.toDate() =>
        '2015-02-30'.convertsToDate() => false
        @2015-02-04T14:34:28Z.toDate() => @2015-02-04
        '2015-02-04T14:34:28.123+10:00'.toDateTime() => @2015-02-04T14:34:28.123+10:00
        '14:34'.toTime() => @T14:34
        '25:00'.toTime() =>
        '14:34:28.1'.convertsToTime() => true
        true.toString() => 'true'
        1.0.toString() => '1.0'
        @2015-02.toString() => '2015-02'
        @T14:34.toString() => '14:34'
        (1 'wk').toString() => '1 'wk''
        (2 weeks).toString() => '2 weeks'
        name.first().toString() =>
        name.first().convertsToString() => false
        '4 days'.toQuantity() => 4 day
        '5.5 \'mg\''.toQuantity() => 5.5 'mg'
        '5.5 mg'.toQuantity() =>
        '1'.toQuantity() => 1 '1'
        'abc'.convertsToQuantity() => false
        true.toQuantity() => 1.0 '1'
        (1000 'mg').toQuantity('g') => 1 'g'
        "#,
    );
}

#[test]
fn strings_are_found_cut_and_replaced_by_characters() {
    meets(
        r#"
        'abc'.indexOf('') => 0
        'abc'.indexOf('z') => -1
        'abc'.indexOf({}) =>
        {}.indexOf('a') =>
        'abcabc'.lastIndexOf('b') => 4
        'abc'.lastIndexOf('') => 3
        'äbc'.indexOf('b') => 1
        'abc'.substring(3) =>
        'abc'.substring(-1) =>
        'abc'.substring(2) => 'c'
        'abc'.substring(1, 0) => ''
        'abc'.substring(1, 9) => 'bc'
        'abc'.substring({}) =>
        'abc'.substring(1, {}) => 'bc'
        ''.substring(0) =>
        'abc'.startsWith('') => true
        'abc'.endsWith('') => true
        'abc'.contains('') => true
        'abc'.contains({}) =>
        'abc'.replace('b', '') => 'ac'
        'abc'.replace('', 'x') => 'xaxbxcx'
        'abc'.replace('b', {}) =>
        'abc'.matches('b') => true
        'abc'.matches('^b$') => false
        'abc'.matches({}) =>
        'abc'.matchesFull('b') => false
        'abc'.matchesFull('a.c') => true
        'a\nc'.matches('a.c') => true
        '11/30/1972'.replaceMatches('\\b(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{2,4})\\b', '${day}-${month}-${year}') => '30-11-1972'
        'abc'.replaceMatches('', 'x') => 'abc'
        ''.length() => 0
        {}.length() =>
        ''.toChars() =>
        'ab'.toChars() => 'a' 'b'
        ' a '.trim() => 'a'
        'a,,b'.split(',').count() => 3
        'a'.split(',') => 'a'
        ('a' | 'b').join() => 'ab'
        {}.join(',') =>
        'ABC'.lower() => 'abc'
        1.upper() => !
        ('a' | 'b').upper() => !
        "#,
    );
}

#[test]
fn texts_are_coded_and_escaped_both_ways() {
    meets(
        r#"
        'test'.encode('base64') => 'dGVzdA=='
        'dGVzdA=='.decode('base64') => 'test'
        'subjects?_d'.encode('urlbase64') => 'c3ViamVjdHM_X2Q='
        'c3ViamVjdHM_X2Q='.decode('urlbase64') => 'subjects?_d'
        'test'.encode('hex') => '74657374'
        '74657374'.decode('hex') => 'test'
        '7'.decode('hex') =>
        'test'.encode('rot13') =>
        '"1<2"'.escape('html') => '&quot;1&lt;2&quot;'
        '&quot;1&lt;2&quot;'.unescape('html') => '"1<2"'
        '"a"'.escape('json') => '\"a\"'
        '\\"a\\"'.unescape('json') => '"a"'
        "#,
    );
}

#[test]
fn mathematics_gives_nothing_where_there_is_no_number() {
    meets(
        r#"
        (-5).abs() => 5
        (-5.5 'mg').abs() => 5.5 'mg'
        (-1.1).ceiling() => -1
        (-2.1).floor() => -3
        16.log(2) => 4
        100.0.log(10.0) => 2
        2.power(3) => 8
        2.5.power(2) => 6.25
        (-1).power(0.5) =>
        2.power(-1) => 0.5
        3.14159.round(3) => 3.142
        1.round(-1) => !
        (-1.5).round() => -2
        81.sqrt() => 9
        (-1).sqrt() =>
        101.5.truncate() => 101
        (-1.56).truncate() => -1
        0.exp() => 1
        1.ln() => 0
        0.ln() =>
        {}.abs() =>
        (1 | 2).abs() => !
        'a'.abs() => !
        "#,
    );
}

#[test]
fn equality_is_empty_where_precision_leaves_it_open() {
    meets(
        r#"
        1 = 1.0 => true
        'a' = 'A' => false
        1 = 'a' => false
        1 = {} =>
        {} = {} =>
        (1 | 2) = (1 | 2) => true
        (1 | 2) = (2 | 1) => false
        (1 | 2) = 1 => false
        @2012 = @2012-01 =>
        @2012-01-01 = @2013 => false
        @2012-01-01T10:30 = @2012-01-01T10:30:31 =>
        @2012-01-01T10:30:31.0 = @2012-01-01T10:30:31 => true
        @T10:30:31.0 = @T10:30:31 => true
        @T10 = @T10:30 =>
        1 'kg' = 1000 'g' => true
        1 'kg' = 1 's' =>
        7 days = 1 week => true
        1 year = 1 'a' =>
        1 second = 1 's' => true
        1 != 2 => true
        1 != {} =>
        "#,
    );
}

#[test]
fn equivalence_is_always_decided() {
    meets(
        r#"
        {} ~ {} => true
        1 ~ {} => false
        (1 | 2) ~ (2 | 1) => true
        'ABC' ~ 'abc' => true
        'a b' ~ 'A\tB' => true
        0.67 ~ 2 / 3 => true
        @2012-01 ~ @2012-01-01 => false
        1 year ~ 1 'a' => true
        1 'kg' ~ 1000 'g' => true
        1 !~ 2 => true
        name[0] ~ name[0] => true
        name[0] ~ name[1] => false
        "#,
    );
}

#[test]
fn order_is_empty_where_precision_leaves_it_open_and_an_error_between_types() {
    meets(
        r#"
        1 < 2.0 => true
        'abc' < 'abd' => true
        1 > {} =>
        1 > 'a' => !
        true > false => !
        (1 | 2) > 1 => !
        @2012 < @2012-06 =>
        @2012 < @2013-06 => true
        @2018-03-01T10:30:00 > @2018-03-01T10:30:00.0 => false
        @2018-03-01T10:30 > @2018-03-01T10:29:59 => true
        @T12:00 < @T13:00 => true
        4 'm' > 3 'cm' => true
        4 'm' > 3 's' =>
        @2018-12-21T12:00:00+01:00 < @2018-12-21T12:00:00Z => true
        "#,
    );
}

#[test]
fn membership_asks_for_one_item() {
    meets(
        r#"
        {} in (1 | 2) =>
        1 in {} => false
        1 in (1 | 2) => true
        (1 | 2) in (1 | 2) => !
        (1 | 2) contains {} =>
        {} contains 1 => false
        (1 | 2) contains 3 => false
        "#,
    );
}

#[test]
fn logic_follows_its_tables() {
    meets(
        r#"
        true and {} =>
        {} and false => false
        {} and {} =>
        {} or true => true
        false or {} =>
        true xor {} =>
        {} implies true => true
        {} implies false =>
        {} implies {} =>
        true implies {} =>
        false implies {} => true
        1 and true => true
        (1 | 2) and true => !
        "#,
    );
}

#[test]
fn arithmetic_gives_nothing_beyond_its_range() {
    meets(
        r#"
        1 + {} =>
        'a' + {} =>
        'a' + 'b' => 'ab'
        'a' & {} => 'a'
        {} & {} => ''
        1 / 0 =>
        5 div 0 =>
        5 mod 0 =>
        5.5 div 0.7 => 7
        5.5 mod 0.7 => 0.6
        5 mod -2 => 1
        -5 div 2 => -2
        2147483647 + 1 =>
        2147483647L + 1 => 2147483648L
        9223372036854775807L + 1 =>
        1 + 'a' => !
        12 'cm' * 3 'cm' => 36 'cm2'
        2 'cm2' * 3 'cm2' = 6 'cm4' => true
        6 'g' / (2 'm/s') = 3 'g.s/m' => true
        12 'cm2' / 3 'cm' = 4 'cm' => true
        1 'm' + 1 'cm' => 101 'cm'
        1 'm' + 1 's' =>
        -(1 'm') => -1 'm'
        "#,
    );
}

#[test]
fn dates_move_by_the_calendar() {
    meets(
        r#"
        @2016-02-28 + 1 day => @2016-02-29
        @2016-02-29 + 1 year => @2017-02-28
        @2016-01-31 + 1 month => @2016-02-29
        @2014 + 24 months => @2016
        @2019-03-01 - 24 months => @2017-03-01
        @1973-12-25 + 7 days => @1974-01-01
        @1973-12-25 + 7.7 days => @1974-01-01
        @2014-12 + 1 month => @2015-01
        @T01:00 + 23 hours => @T00:00
        @T23:00:00 + 2 hours => @T01:00:00
        @T00:30 - 1 hour => @T23:30
        @2012-01-31T10:00:00+02:00 + 1 month => @2012-02-29T10:00:00+02:00
        @2016-12-31T23:59:59.5Z + 500 milliseconds => @2017-01-01T00:00:00.0Z
        @1973-12-25 + 1 'a' => !
        @1973-12-25 + 1 'd' => @1973-12-26
        @1973-12-25 + 1 'mg' => !
        @1973-12-25 * 2 days => !
        @2016 + {} =>
        @9999-12-31 + 1 day =>
        "#,
    );
}

#[test]
fn operators_bind_as_the_specification_ranks_them() {
    meets(
        r#"
        1 + 2 * 3 => 7
        -1 + 2 => 1
        -7.combine(3) => !
        1 > 2 is Boolean => !
        (1 | 1 is Integer).count() => 2
        true or false and false => true
        false implies false or true => true
        1 | 2 = 3 => false
        2 + 3 = 5 and 1 in (1 | 2) => true
        1 = 1 in (true) => true
        'a' & 'b' = 'ab' => true
        "#,
    );
}

#[test]
fn words_signs_and_comments_are_read_as_the_grammar_has_them() {
    meets(
        r#"
        2 + /* two */ 3 // five => 5
        '\u0065\'\"\`\\\/' => 'e'"`\/'
        '\f\n\r\t'.length() => 4
        '\p' => !
        'open => !
        /* open => !
        `name`.`given`.count() => 3
        name.where(`use` = 'usual').given => Jim
        @2015T => @2015T
        @2015-02T.type() => System.DateTime
        @2015-02 is Date => true
        @T14 => @T14
        @2015-02-04T14 => @2015-02-04T14
        @2015-02-30 => !
        @T25 => !
        1.  0 => !
        {} =>
        5 'mg' => 5 'mg'
        5 day => 5 day
        $this.id => p1
        %`ext-x` => 'http://hl7.org/fhir/StructureDefinition/x'
        %'vs-x' => 'http://hl7.org/fhir/ValueSet/x'
        %sct => 'http://snomed.info/sct'
        %nothing => !
        name.as =>
        1 1 => !
        a.(b) => !
        "#,
    );
}

#[test]
fn aggregation_carries_its_total() {
    meets(
        r#"
        {}.aggregate($this + $total, 0) => 0
        (1 | 2 | 3).aggregate($this + $total, 10) => 16
        (3 | 1 | 2).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total))) => 1
        (1 | 2 | 3).aggregate($total | $this * 2) => 2 4 6
        (1 | 2 | 3).sum() => 6
        (1 | 2).avg() => 1.5
        (3 | 1 | 2).min() => 1
        (3 | 1 | 2).max() => 3
        {}.sum() =>
        "#,
    );
}

#[test]
fn a_sort_takes_keys_in_both_directions() {
    meets(
        r#"
        (3 | 1 | 2).sort() => 1 2 3
        (3 | 1 | 2).sort($this) => 1 2 3
        (3 | 1 | 2).sort(-$this) => 3 2 1
        (3 | 1 | 2).sort($this desc) => 3 2 1
        (3 | 1 | 2).sort($this asc) => 1 2 3
        ('b' | 'a').sort(-$this) => 'b' 'a'
        name.sort(family).given.first() => Jim
        name.sort(family desc, use asc).given.first() => Peter
        telecom.sort(rank).system => email phone
        {}.sort() =>
        "#,
    );
}

#[test]
fn boundaries_and_precision_are_of_what_is_written() {
    meets(
        r#"
        1.587.lowBoundary() => 1.58650000
        1.587.highBoundary(2) => 1.59
        1.587.lowBoundary(32) =>
        @2014.precision() => 4
        @2014-01.precision() => 6
        @2014-01-05T10:30:00.000.precision() => 17
        @T10:30.precision() => 4
        @T10:30:00.000.precision() => 9
        1.58700.precision() => 5
        {}.precision() =>
        @2014.lowBoundary(6) => @2014-01T
        @2014.highBoundary() => @2014-12-31T
        @2016-02.highBoundary(8) => @2016-02-29T
        @T10:30.highBoundary(9) => @T10:30:59.999
        {}.lowBoundary() =>
        'a'.lowBoundary() => !
        1 'cm'.comparable(1 '[in_i]') => true
        1 'cm'.comparable(1 's') => false
        "#,
    );
}

#[test]
fn types_are_asked_by_name() {
    meets(
        r#"
        1.type().name => 'Integer'
        1.type().namespace => 'System'
        1.5 is Decimal => true
        'a' is String => true
        (1 'mg') is Quantity => true
        active.type().name => 'boolean'
        active is Boolean => false
        active is System.Boolean => false
        active is FHIR.boolean => true
        gender is code => true
        gender is string => true
        gender.is(code) => true
        Patient is Resource => true
        Patient.type().name => 'Patient'
        gender.as(code) => male
        (gender as date) =>
        {} is Integer =>
        (1 | 2) is Integer => !
        1 is Nonsense => !
        "#,
    );
}

#[test]
fn variables_live_where_they_are_defined() {
    meets(
        r#"
        defineVariable('a', 1).select(%a) => 1
        defineVariable('a', 1) | %a => !
        defineVariable('context', 1) => !
        defineVariable('a', 1).defineVariable('a', 2) => !
        name.select(defineVariable('n', family).select(%n)) => Chalmers Abel
        (1 | 2).select(defineVariable('n').select(%n + 1)) => 2 3
        "#,
    );
}

#[test]
fn fhir_adds_values_extensions_and_choices() {
    meets(
        r#"
        gender.hasValue() => true
        name.hasValue() => false
        {}.hasValue() => false
        gender.getValue() => 'male'
        gender.extension('urn:e').value => x
        gender.extension('urn:none') =>
        multipleBirth => 2
        multipleBirth.ofType(integer) => 2
        multipleBirthInteger =>
        coalesce({}, 1, 2) => 1
        {}.coalesce({}, {}) =>
        name.trace('n').count() => 2
        name.trace('n', given).given.first() => Peter
        checkModifiers('urn:m').id => p1
        name.first().conformsTo('http://hl7.org/fhir/StructureDefinition/HumanName') => true
        "#,
    );
}

#[test]
fn parts_of_dates_and_times_are_those_that_are_written() {
    meets(
        r#"
        @2014-05-17.yearOf() => 2014
        @2014-05-17.monthOf() => 5
        @2014-05-17.dayOf() => 17
        @2014.monthOf() =>
        @2014-05-17T10:30:15.250+02:00.hourOf() => 10
        @2014-05-17T10:30:15.250+02:00.minuteOf() => 30
        @2014-05-17T10:30:15.250+02:00.secondOf() => 15
        @2014-05-17T10:30:15.250+02:00.millisecondOf() => 250
        @2014-05-17T10:30:15.250+02:00.timezoneOffsetOf() => 2
        @2014-05-17T10:30:15.250+02:00.dateOf() => @2014-05-17
        @2014-05-17T10:30:15.250+02:00.timeOf() => @T10:30:15.250
        today() => @2024-05-17
        now() is DateTime => true
        timeOfDay() is Time => true
        "#,
    );
}
