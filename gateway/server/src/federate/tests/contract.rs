//! What every adapter must do, asked of a federation of two.

use super::*;

#[tokio::test]
async fn a_federation_of_two_stores_keeps_the_contract_of_adapters() {
    let report = adapter::contract::run(|| async { Arc::new(two().await.both) as Arc<dyn Adapter> }).await;
    assert!(report.is_kept(), "{report}");
    assert!(report.asked().count() > 25, "{report}");
}

/// A back end that can be read, searched and added to, and has neither versions nor conditions.
struct Narrow(Arc<Back>);

#[async_trait::async_trait]
impl Adapter for Narrow {
    fn capability(&self) -> Arc<Capability> {
        use fhir::InteractionCode::{Create, Read, SearchType};
        let of_store = self.0.capability();
        let mut capability = Capability::empty(Version::R4);
        if let Some(of_patient) = of_store.resources.get(&ResourceType::PATIENT) {
            let narrow = fhir::capability::ResourceCapability {
                interactions: [Create, Read, SearchType].into(),
                search: of_patient.search.clone(),
                ..Default::default()
            };
            capability.resources.insert(ResourceType::PATIENT, narrow);
        }
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        if !capability::offers(&self.capability(), &call.interaction) {
            return Err(Error::new(ErrorKind::NotSupported, "not offered"));
        }
        let mut reply = self.0.perform(call).await?;
        reply.subject.iter_mut().for_each(|subject| subject.version_id = None);
        Ok(reply)
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn a_federation_of_unequal_back_ends_offers_what_it_can_keep() {
    let made = || async {
        let Two { both, .. } = two().await;
        let Federation { mut members, seal, clock, reply, .. } = both;
        // The one that has everything takes what is created.
        if let Some(last) = members.last_mut() {
            last.adapter = Arc::new(Narrow(Back::open().await));
        }
        Arc::new(Federation::new(members, seal, clock, reply)) as Arc<dyn Adapter>
    };
    let offered = made().await.capability();
    let patient = &offered.resources[&ResourceType::PATIENT];
    assert!(!patient.conditional_create && patient.conditional_update, "one of them has no conditions on creates");
    assert_eq!(patient.versioning, None);
    let report = adapter::contract::run(made).await;
    assert!(report.is_kept(), "{report}");
    assert!(report.asked().count() > 20, "{report}");
}
