//! Mathematics, comparison, logic, dates, precedence, grammar.

use super::meets;

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
