//! What may happen between two pages, and a back end that is slow.

use std::time::{Instant, SystemTime};

use adapter::Clock;

use super::*;

/// A clock that can be set forward.
#[derive(Default)]
struct Settable(Mutex<Duration>);

impl Clock for Settable {
    fn now(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

#[tokio::test]
async fn a_slow_back_end_is_given_up_before_the_deadline_and_the_others_are_shown() {
    let two = with_patients().await;
    *two.old.pause.lock() = Duration::from_secs(20);
    let began = Instant::now();
    let call = Call { deadline: began + Duration::from_secs(2), ..search("_sort=birthdate") };
    let page = found(&two.both, call).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(ids(&page, "match").len(), 5);
    let outcome = page["entry"].as_array().unwrap().last().unwrap();
    assert_eq!(outcome["search"]["mode"], "outcome");
    assert_eq!(outcome["resource"]["issue"][0]["code"], "timeout");
    assert!(outcome["resource"].to_string().contains("`old`"), "{outcome}");
    let whole =
        Call { deadline: Instant::now() + Duration::from_secs(1), must_be_complete: true, ..search("_sort=birthdate") };
    assert_eq!(two.both.perform(whole).await.unwrap_err().kind, ErrorKind::Timeout, "a part is of no use");
}

#[tokio::test]
async fn a_link_of_another_configuration_is_refused_and_says_so() {
    let two = with_patients().await;
    let link = next(&found(&two.both, search("_count=3")).await).unwrap();
    let ehr = two.both.members.iter().filter(|member| &*member.name == "ehr").cloned().collect();
    let alone = Federation::new(ehr, Arc::clone(&two.both.seal), Arc::new(SystemClock), 1 << 20);
    let error = alone.perform(search(&link)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.issues[0].text.contains("another configuration"), "{}", error.issues[0].text);
}

#[tokio::test]
async fn a_link_expires() {
    let two = with_patients().await;
    let clock = Arc::new(Settable::default());
    let members = two.both.members.clone();
    let both = Federation::new(members, Arc::clone(&two.both.seal), Arc::clone(&clock) as Arc<dyn Clock>, 1 << 20);
    let link = next(&found(&both, search("_count=3")).await).unwrap();
    assert!(both.perform(search(&link)).await.is_ok());
    *clock.0.lock() = Duration::from_secs(2 * 3600);
    let error = both.perform(search(&link)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.issues[0].text.contains("expired"), "{}", error.issues[0].text);
}

#[tokio::test]
async fn a_back_end_that_is_down_on_a_later_page_is_reported_from_there_on() {
    let two = with_patients().await;
    let first = found(&two.both, search("_sort=birthdate&_count=6&_total=accurate")).await;
    assert_eq!(first["total"], 10);
    *two.old.fails.lock() = Some(ErrorKind::Broken);
    let second = found(&two.both, search(&next(&first).unwrap())).await;
    let expected = (vec!["ehr-3".to_owned(), "ehr-4".to_owned()], 1);
    assert_eq!((ids(&second, "match"), ids(&second, "outcome").len()), expected);
    assert_eq!((second.get("total"), next(&second)), (None, None));
}

#[tokio::test]
async fn when_only_back_ends_that_are_down_have_more_the_page_says_so_and_is_the_last() {
    let two = with_patients().await;
    two.ehr.put(json!({ "resourceType": "Patient", "id": "9", "birthDate": "1900-01-01" })).await;
    let first = found(&two.both, search("_sort=birthdate&_count=10")).await;
    assert_eq!(ids(&first, "match").len(), 10);
    *two.old.fails.lock() = Some(ErrorKind::Broken);
    let second = found(&two.both, search(&next(&first).unwrap())).await;
    assert_eq!((ids(&second, "match").len(), ids(&second, "outcome").len(), next(&second)), (0, 1, None));
}
