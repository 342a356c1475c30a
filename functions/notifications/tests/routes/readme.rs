//! What the README says of events.

use shared::model::notifications::event::EventName;

#[test]
fn the_readme_names_every_event_with_its_severity() {
    let readme = include_str!("../../../../README.md");
    for name in EventName::ALL {
        let (severity, description) = (name.severity().as_str(), name.description());
        let row = format!("| `{name}` | {severity} | {description} |");
        assert!(readme.contains(&row), "{row}");
    }
}
