//! What a caller's program calls itself, cut to what a list of sessions needs.

/// How much is kept, in bytes: each session carries it in the user's item, which every request reads.
pub const MAX_USER_AGENT: usize = 32;

/// What a browser says of itself beside its name: what it imitates, and what it is built on.
const COMMON: [&str; 6] = ["AppleWebKit/", "Gecko/", "Mobile/", "Safari/", "Version/", "Mozilla/"];
/// What says nothing of the machine that the words after it do not.
const VAGUE: [&str; 3] = ["X11", "Linux", "compatible"];

/// A program's name as it is. A browser's name is the last of many, so all the browsers of a list
/// would begin alike: it is told by that name and its machine's.
#[must_use]
pub fn shortened(agent: &str) -> String {
    let told = browser(agent).unwrap_or_else(|| agent.to_owned());
    // What is kept of a header is ASCII.
    told.chars().filter(char::is_ascii).take(MAX_USER_AGENT).collect()
}

fn browser(agent: &str) -> Option<String> {
    let (machine, products) = agent.strip_prefix("Mozilla/5.0 (")?.split_once(')')?;
    let machine = machine.split("; ").find(|word| !VAGUE.contains(word))?;
    let products = || products.split(' ').filter(|word| word.contains('/'));
    let own = products().rfind(|word| !COMMON.iter().any(|common| word.starts_with(common)));
    let name = own.or_else(|| products().find(|word| word.starts_with("Safari/")))?;
    // The major version: the rest of it is mostly zeros.
    let name = name.split('.').next()?;
    Some(format!("{name} ({machine})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_its_name_and_its_machine() {
        let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36";
        let webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4";
        for (machine, products, told) in [
            ("Macintosh; Intel Mac OS X 10_15_7", chrome.to_owned(), "Chrome/124 (Macintosh)"),
            ("X11; Linux x86_64", chrome.to_owned(), "Chrome/124 (Linux x86_64)"),
            ("Linux; Android 10; K", chrome.to_owned(), "Chrome/124 (Android 10)"),
            (
                "Windows NT 10.0; Win64; x64",
                format!("{chrome} Edg/124.0.0.0"),
                "Edg/124 (Windows NT 10.0)",
            ),
            (
                "Windows NT 10.0; Win64; x64; rv:125.0",
                "Gecko/20100101 Firefox/125.0".to_owned(),
                "Firefox/125 (Windows NT 10.0)",
            ),
            (
                "iPhone; CPU iPhone OS 17_4 like Mac OS X",
                format!("{webkit} Mobile/15E148 Safari/604.1"),
                "Safari/604 (iPhone)",
            ),
        ] {
            assert_eq!(shortened(&format!("Mozilla/5.0 ({machine}) {products}")), told);
        }
    }

    #[test]
    fn any_other_program_is_told_by_its_own_words() {
        let long = "x".repeat(MAX_USER_AGENT + 1);
        for (agent, told) in [
            ("", ""),
            ("curl/8.5.0", "curl/8.5.0"),
            ("Mozilla/5.0", "Mozilla/5.0"),
            ("Mozilla/5.0 (", "Mozilla/5.0 ("),
            ("Mozilla/5.0 ()", "Mozilla/5.0 ()"),
            ("Mozilla/5.0 (X11) Gecko/1", "Mozilla/5.0 (X11) Gecko/1"),
            (&long, &long[1..]),
        ] {
            assert_eq!(shortened(agent), told);
        }
    }
}
