//! The grammar: terms of symbols with exponents, numbers and annotations.

use crate::atom;
use crate::decimal::Decimal;
use crate::measure::Measure;

/// Longest code that is read.
const MAX_LENGTH: usize = 256;
const MAX_NESTING: u32 = 16;
const MAX_EXPONENT: i32 = 99;

/// Whether a text has the form of a code.
pub(crate) fn is_unit(code: &str) -> bool {
    read(code, None).is_some()
}

/// What a symbol measures; none for what is no symbol or has no measure.
pub(crate) type Measured<'m> = &'m dyn Fn(&str) -> Option<Measure>;

/// Reads a code. Without measures only its form is read: then every part measures nothing.
pub(crate) fn read(code: &str, measured: Option<Measured<'_>>) -> Option<Measure> {
    if code.is_empty() || code.len() > MAX_LENGTH || !code.is_ascii() {
        return None;
    }
    let mut parser = Parser { rest: code, nesting: 0, measured };
    let total = parser.term()?;
    parser.rest.is_empty().then_some(total)
}

struct Parser<'c, 'm> {
    rest: &'c str,
    nesting: u32,
    measured: Option<Measured<'m>>,
}

impl Parser<'_, '_> {
    fn skip(&mut self, symbol: char) -> bool {
        let found = self.rest.strip_prefix(symbol);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn term(&mut self) -> Option<Measure> {
        let is_inverse = self.skip('/');
        let first = self.component()?;
        let mut total = if is_inverse { self.inverse(&first)? } else { first };
        loop {
            if self.skip('.') {
                let next = self.component()?;
                total = self.product(total, next)?;
            } else if self.skip('/') {
                let next = self.component()?;
                let next = self.inverse(&next)?;
                total = self.product(total, next)?;
            } else {
                return Some(total);
            }
        }
    }

    fn product(&self, left: Measure, right: Measure) -> Option<Measure> {
        if self.measured.is_some() { left.times(right) } else { Some(left) }
    }

    fn inverse(&self, of: &Measure) -> Option<Measure> {
        if self.measured.is_some() { of.power(-1) } else { Some(Measure::ONE) }
    }

    fn component(&mut self) -> Option<Measure> {
        if self.skip('(') {
            self.nesting += 1;
            if self.nesting > MAX_NESTING {
                return None;
            }
            let inner = self.term()?;
            self.nesting -= 1;
            return self.skip(')').then_some(inner);
        }
        if self.annotation()? {
            return Some(Measure::ONE);
        }
        let (symbol, rest) = self.rest.split_at_checked(symbol_length(self.rest))?;
        self.rest = rest;
        let found = self.simple(symbol)?;
        self.annotation()?;
        Some(found)
    }

    /// A number, or a symbol with its exponent.
    fn simple(&mut self, symbol: &str) -> Option<Measure> {
        let is_number = !symbol.is_empty() && symbol.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            return match self.measured {
                Some(_) => Some(Measure::of_number(symbol.parse::<Decimal>().ok()?)),
                None => Some(Measure::ONE),
            };
        }
        let exponent = self.exponent()?;
        match self.measured {
            Some(measured) => measured(symbol)?.power(exponent),
            None => atom::symbol(symbol).map(|_| Measure::ONE),
        }
    }

    /// `{score}` means nothing. None when it does not end.
    fn annotation(&mut self) -> Option<bool> {
        let Some(inner) = self.rest.strip_prefix('{') else { return Some(false) };
        let (text, rest) = inner.split_once('}')?;
        self.rest = rest;
        (!text.contains('{')).then_some(true)
    }

    fn exponent(&mut self) -> Option<i32> {
        let is_negative = self.skip('-');
        let is_signed = is_negative || self.skip('+');
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return (!is_signed).then_some(1);
        }
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let number: i32 = number.parse().ok().filter(|number| *number <= MAX_EXPONENT)?;
        Some(if is_negative { -number } else { number })
    }
}

/// A number, or a symbol up to its exponent; what is in brackets belongs to the symbol.
fn symbol_length(rest: &str) -> usize {
    if rest.starts_with("10*") || rest.starts_with("10^") {
        return 3;
    }
    let bytes = rest.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let mut is_bracketed = false;
    let belongs = |byte: &&u8| {
        let was_bracketed = is_bracketed;
        is_bracketed = match byte {
            b'[' => true,
            b']' => false,
            _ => is_bracketed,
        };
        was_bracketed || is_bracketed || !matches!(byte, b'.' | b'/' | b'(' | b')' | b'{' | b'+' | b'-' | b'0'..=b'9')
    };
    bytes.iter().take_while(belongs).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_and_what_is_none_is_not() {
        let codes = "mg/dL kg/m2 10*3/uL 10*-6 10*40 mm[Hg] {score} /min [iU]/L Cel mL/min/{1.73_m2} % 1 umol/(8.h) g.m/(s2) meq/L \
                     ug{creat} [in_i] B[10.nV] [degF] a mo wk KiBy m2 ms";
        for code in codes.split(' ') {
            assert!(is_unit(code), "{code}");
        }
        for code in [
            "", "x y", "foo", "m/", "(m", "m)", "{", "m-", "MG/DL", "mgg", "[", "kmin", "lbs", "é", "m..s", "mmHg", "/",
        ] {
            assert!(!is_unit(code), "{code}");
        }
        assert!(!is_unit(&"(".repeat(200)) && !is_unit(&"m.".repeat(500)));
    }
}
