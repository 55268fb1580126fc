//! Aggregates, sorts, boundaries, types, variables, what FHIR adds.

use super::meets;

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
