//! "Did you mean".

/// The known name that is nearest to what was written, when one is near.
pub(crate) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).max(1);
    let (distance, name) = known.iter().map(|name| (distance(written, name), *name)).min_by_key(|(d, _)| *d)?;
    (distance <= allowed).then_some(name)
}

/// Letters to insert, remove, replace or swap with their neighbour; case does not count.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().take(64).collect();
    let right: Vec<char> = right.to_lowercase().chars().take(64).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = ["listen", "admin", "public-url", "plain-http"];
        assert_eq!(nearest("lisen", &known), Some("listen"));
        assert_eq!(nearest("Listne", &known), Some("listen"));
        assert_eq!(nearest("public_url", &known), Some("public-url"));
        assert_eq!(nearest("port", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
