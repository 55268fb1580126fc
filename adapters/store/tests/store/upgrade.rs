//! Databases of earlier releases.

use store::Store;

use crate::support::{file, ids, open, search, update};

#[tokio::test]
async fn a_file_of_the_first_schema_is_searched_by_what_came_later() {
    let (place, store) = file();
    let dose = r#"{"resourceType":"Observation","valueQuantity":{"value":5,"system":"http://unitsofmeasure.org","code":"mg"}}"#;
    update(&store, "dose", dose).await.unwrap();
    drop::<Store>(store);
    let first = rusqlite::Connection::open(place.path().join("store.sqlite")).unwrap();
    let since = "DROP TABLE amount; DROP INDEX date_wide; DROP INDEX link_resource; DROP INDEX text_resource; \
                 UPDATE fact SET value = 'of an earlier release' WHERE name = 'index'; PRAGMA user_version = 1;";
    first.execute_batch(since).unwrap();
    drop(first);
    let store = open(&place);
    let found = search(&store, "Observation", "value-quantity=0.005|http://unitsofmeasure.org|g").await.unwrap();
    assert_eq!(ids(&found), ["dose"]);
}
