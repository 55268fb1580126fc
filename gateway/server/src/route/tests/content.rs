//! Routes that what is written decides between.

use super::*;

const TOWN: &str = "[adapters.dental]\nkind=\"store\"\n[adapters.scheduler]\nkind=\"store\"\n\
    [[routes]]\nname=\"teeth\"\nadapter=\"dental\"\ntypes=[\"Appointment\"]\nvalidate=\"warn\"\n\
    when=\"serviceType.coding.exists(code = 'dental')\"\n\
    [[routes]]\nname=\"robots\"\nadapter=\"dental\"\ntypes=[\"Appointment\"]\nwhen=\"%client = 'robot' and %interaction = 'create'\"\n";

const REST: &str = "[[routes]]\nadapter=\"scheduler\"\nprofiles=[\"http://p.example/p\"]\n";

fn town(text: &str) -> Routes {
    use InteractionCode::{Create, Delete, Read, SearchType, Update};
    let all = &[Read, Create, Update, Delete, SearchType][..];
    let offered = || offers(&[(ResourceType::APPOINTMENT, all), (ResourceType::PATIENT, all)]);
    let adapters = [("dental".to_owned(), offered()), ("scheduler".to_owned(), offered())].into();
    let config = config::shape("frontdesk.toml", text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground { names: folder.path().join("ids.db"), ..ground() };
    Routes::new(&config.routes, &adapters, &ground).unwrap()
}

fn appointment(code: &str) -> Resource {
    let json = format!(
        r#"{{"resourceType":"Appointment","status":"booked","serviceType":[{{"coding":[{{"code":"{code}"}}]}}],"participant":[]}}"#
    );
    Resource::new(ResourceType::APPOINTMENT, Version::R4, json)
}

fn create(resource: Resource) -> Interaction {
    Interaction::Create { resource, if_none_exist: None }
}

/// The route of an interaction, and the one adapter that it leads to.
fn leads(routes: &Routes, interaction: Interaction, client: &str) -> Result<(String, String), Failure> {
    let facts = Facts { client, interaction: interaction.code() };
    let plan = routes.plan_by(&Practice::default(), &interaction, facts)?;
    let call = adapter::contract::alone::call(interaction);
    let name = match &plan.federation {
        Some(federation) => federation.led(&call).unwrap().0,
        None => Arc::clone(&plan.adapters[0].name),
    };
    Ok((plan.route.to_string(), name.to_string()))
}

#[test]
fn what_is_created_goes_where_its_condition_says_and_the_rest_to_the_default() {
    let routes = town(&format!("{TOWN}{REST}"));
    let led = |code, client| leads(&routes, create(appointment(code)), client).unwrap();
    assert_eq!(led("dental", "anna"), ("teeth".to_owned(), "dental".to_owned()));
    assert_eq!(led("eyes", "robot"), ("robots".to_owned(), "dental".to_owned()));
    assert_eq!(led("eyes", "anna"), ("scheduler".to_owned(), "scheduler".to_owned()));
    let rules = |code| routes.plan(&Practice::default(), &create(appointment(code))).unwrap();
    assert_eq!((rules("dental").validate, rules("dental").profiles.len()), (ValidateMode::Warn, 0));
    assert_eq!((rules("eyes").validate, rules("eyes").profiles.len()), (ValidateMode::Enforce, 1));
}

#[test]
fn what_names_or_lists_resources_asks_all_of_the_routes_as_one() {
    let routes = town(&format!("{TOWN}{REST}"));
    let search = Interaction::SearchType {
        resource_type: ResourceType::APPOINTMENT,
        compartment: None,
        query: Query::default(),
    };
    let plan = routes.plan(&Practice::default(), &search).unwrap();
    assert_eq!(&*plan.adapters[0].name, "dental+scheduler");
    assert!(plan.federation.as_ref().unwrap().is_several(ResourceType::APPOINTMENT));
    let patient = routes.plan(&Practice::default(), &read(ResourceType::PATIENT)).unwrap();
    assert_eq!(&*patient.adapters[0].name, "scheduler", "other types are not concerned");
    let read = |id: &str| Interaction::Read { resource_type: ResourceType::APPOINTMENT, id: id.parse().unwrap() };
    assert_eq!(leads(&routes, read("dental-1"), "").unwrap().1, "dental");
    assert_eq!(leads(&routes, read("scheduler-1"), "").unwrap().1, "scheduler");
}

#[test]
fn an_update_stays_where_its_resource_is_whatever_it_says_now() {
    let routes = town(&format!("{TOWN}{REST}"));
    let update =
        |id: &str, code| Interaction::Update { id: id.parse().unwrap(), resource: appointment(code), if_match: None };
    let led = |id, code| leads(&routes, update(id, code), "anna").unwrap();
    assert_eq!(led("scheduler-1", "dental"), ("scheduler".to_owned(), "scheduler".to_owned()));
    assert_eq!(led("dental-1", "dental"), ("teeth".to_owned(), "dental".to_owned()));
    assert_eq!(led("dental-1", "eyes").1, "dental");
}

#[test]
fn what_meets_no_condition_is_a_422_where_no_route_takes_the_rest() {
    let routes = town(TOWN);
    let failure = leads(&routes, create(appointment("eyes")), "anna").unwrap_err();
    assert_eq!(failure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(leads(&routes, create(appointment("dental")), "anna").is_ok());
}

#[test]
fn what_cannot_be_read_goes_on_to_be_refused_by_validation() {
    let broken = Resource::new(ResourceType::APPOINTMENT, Version::R4, r#"{"resourceType":"Appoin"#);
    assert!(leads(&town(TOWN), create(broken), "anna").is_ok());
}

#[test]
fn a_condition_that_cannot_be_decided_or_costs_too_much_is_a_422_that_names_its_route() {
    let when = |text: &str| {
        town(&format!(
            "[adapters.dental]\nkind=\"store\"\n[adapters.scheduler]\nkind=\"store\"\n\
             [[routes]]\nname=\"odd\"\nadapter=\"dental\"\ntypes=[\"Appointment\"]\nwhen=\"{text}\"\n{REST}"
        ))
    };
    let json = format!(
        r#"{{"resourceType":"Appointment","status":"booked","participant":[{}]}}"#,
        vec![r#"{"status":"accepted"}"#; 3000].join(",")
    );
    let many = || create(Resource::new(ResourceType::APPOINTMENT, Version::R4, json.clone()));
    for text in ["participant.status", "participant.all(%resource.participant.where(status = 'accepted').count() > 1)"]
    {
        let failure = leads(&when(text), many(), "anna").unwrap_err();
        assert_eq!(failure.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(failure.issues[0].text.contains("`odd`"), "{}", failure.issues[0].text);
    }
}

#[test]
fn a_condition_that_is_no_fhirpath_is_found_with_its_place() {
    for (when, expected) in
        [("serviceType.(", "offset"), ("servicTyp.exists()", "servicTyp"), ("foo()", "unknown function")]
    {
        let text = format!(
            "[adapters.a]\nkind=\"store\"\n[[routes]]\nadapter=\"a\"\ntypes=[\"Appointment\"]\nwhen=\"{when}\"\n[[routes]]\nadapter=\"a\"\n"
        );
        let config = config::parse("frontdesk.toml", &text).unwrap();
        let report = config.report(crate::route::content::faults(&config)).unwrap_err().to_string();
        assert!(report.contains("frontdesk.toml:6:6") && report.contains(expected), "{report}");
    }
}
