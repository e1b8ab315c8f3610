//! What the pages answer to whoever is no browser with a session; `tests/browser` has the rest.

use governance_filter::record::sha256_hex;
use log_collector::review::reviewers::Reviewers;

use crate::support::{Collector, Database};

const TOKEN: &str = "grv_0123456789abcdef";

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test]
async fn without_reviewers_there_are_no_pages() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    for path in ["/reviews", "/decisions/d-1", "/login", "/"] {
        let (status, text) = collector.get(path).await;
        let expected = "Reviewing is off: this collector was started without REVIEWERS_FILE.\n";
        assert_eq!((status, text.as_str()), (404, expected), "{path}");
    }
}

#[tokio::test]
async fn session_is_begun_by_a_token_on_our_own_form() {
    let database = Database::fresh().await;
    let mut config = database.config();
    let digest = sha256_hex(TOKEN.as_bytes());
    let file = format!(r#"{{"reviewers":[{{"name":"ann","token_sha256":"{digest}"}}]}}"#);
    config.reviewers = Reviewers::parse(&file).unwrap();
    config.public_url = Some("https://d.example.com".to_owned());
    let collector = Collector::start(config).await;
    let (http, url) = (client(), &collector.url);
    let answer = http.get(format!("{url}/decisions/x")).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/login?next=/decisions/x");

    let sign_in = async |origin: &str| {
        let request = http.post(format!("{url}/login")).header("origin", origin.to_owned());
        request.body(format!("next=/logout&token={TOKEN}")).send().await.unwrap()
    };
    assert_eq!(sign_in("https://evil.example.com").await.status(), 403);
    let answer = sign_in("https://d.example.com").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/reviews");
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-governance_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict; Secure"));

    let cookie = cookie.split(';').next().unwrap();
    let get = async |path: &str| {
        http.get(format!("{url}{path}")).header("cookie", cookie).send().await.unwrap().status()
    };
    assert_eq!(get("/reviews").await, 200);
    assert_eq!(get("/decisions/d-1").await, 404);
    let request = http.post(format!("{url}/verdicts")).header("cookie", cookie);
    let request = request.header("origin", "https://d.example.com");
    let answer = request.body("verdict=approved").send().await.unwrap();
    assert_eq!(answer.status(), 403, "without the form's token");
}
