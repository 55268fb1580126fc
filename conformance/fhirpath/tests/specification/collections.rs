//! Existence, filters, parts of collections, conversions, texts.

use super::meets;

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
