//! Tests the list of the catalogue's games, and their covers.

use dashboard::Game;
use serde_json::json;

use crate::harness::{Page, node};
use crate::http::request;

const TOKEN: &str = "correct-horse-battery-staple";
const SVG: &str =
    r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><rect width="320"/></svg>"#;

fn game(id: &str, name: &str, cover: Option<&str>) -> Game {
    Game {
        id: id.to_owned(),
        name: name.to_owned(),
        genre: "puzzle".to_owned(),
        cover: cover.map(str::to_owned),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_the_games_in_their_order_and_markup_stays_text() {
    let node = node().await;
    let name = "<script>alert(1)</script>\"\u{202e}";
    let games = vec![game("zeta", name, None), game("alpha", "Alpha", Some(SVG))];
    let page = Page::with_games(&node, None, games).await;
    let list = page.get("/api/games").await;
    assert_eq!(list.headers["content-type"], "application/json");
    assert_eq!(list.headers["x-content-type-options"], "nosniff");
    let expected = json!({"games": [
        {"id": "zeta", "name": name, "genre": "puzzle", "has_cover": false},
        {"id": "alpha", "name": "Alpha", "genre": "puzzle", "has_cover": true},
    ]});
    assert_eq!(list.json().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_catalogue_the_list_is_empty() {
    let node = node().await;
    let page = Page::start(&node).await;
    let list = page.get("/api/games").await.json().await;
    assert_eq!(list, json!({"games": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cover_is_an_image_that_can_run_nothing_and_is_not_sent_again() {
    let node = node().await;
    let large = format!("{SVG}<!--{}-->", "x".repeat(2_000));
    let games = vec![
        game("a", "A", Some(SVG)),
        game("b/<c> ü", "B", Some(&large)),
    ];
    let page = Page::with_games(&node, None, games).await;
    let cover = page.get("/covers/a.svg").await;
    assert_eq!(cover.status, 200);
    assert_eq!(cover.headers["content-type"], "image/svg+xml");
    assert_eq!(cover.headers["x-content-type-options"], "nosniff");
    assert_eq!(cover.headers["cache-control"], "no-cache");
    assert!(cover.headers["content-security-policy"].contains("default-src 'none'"));
    let etag = cover.headers["etag"].clone();
    assert_eq!(cover.text().await, SVG);
    let known = [("if-none-match", &*etag)];
    let again = request(page.address, "GET", "/covers/a.svg", &known).await;
    assert_eq!((again.status, &again.headers["etag"]), (304, &etag));
    let path = "/covers/b%2F%3Cc%3E%20%C3%BC.svg";
    assert_eq!(page.get(path).await.text().await, large);
    let takes = [("accept-encoding", "gzip"), known[0]];
    let packed = request(page.address, "GET", path, &takes).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["content-type"], "image/svg+xml");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cover_is_an_error_that_names_the_game_as_text() {
    let node = node().await;
    let page = Page::with_games(&node, None, vec![game("bare", "Bare", None)]).await;
    for (path, id) in [
        ("/covers/bare.svg", "bare"),
        ("/covers/%3Cscript%3E.svg", "<script>"),
        ("/covers/..%2Findex.html.svg", "../index.html"),
        ("/covers/.svg", ""),
    ] {
        let missing = page.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.headers["content-type"], "application/json");
        let missing = missing.json().await;
        assert_eq!(missing["error"], "no_such_cover", "{path}");
        let detail = missing["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("`{id}`")), "{detail}");
    }
    for path in ["/covers/bare", "/covers/bare.png", "/covers/", "/covers"] {
        let missing = page.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.json().await["error"], "no_such_path", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_needs_the_token_and_a_cover_does_not() {
    let node = node().await;
    let games = vec![game("a", "A", Some(SVG))];
    let page = Page::with_games(&node, Some(TOKEN), games).await;
    assert_eq!(page.get("/api/games").await.status, 401);
    assert_eq!(page.get("/covers/a.svg").await.status, 200);
}
