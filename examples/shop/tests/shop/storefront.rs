//! What anybody may see and any cache may keep.

use reqwest::Client;

use crate::browser::{Answer, Scene};

async fn get_if_none_match(url: &str, tags: &str) -> Answer {
    let request = Client::new().get(url).header("if-none-match", tags);
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn public_pages_are_cacheable_and_lead_to_the_room() {
    let scene = Scene::set().await;
    for path in ["/", "/products/tide-lamp"] {
        let page = scene.browser.get(path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("cache-control"), "public, max-age=300");
        assert!(page.header("set-cookie").is_empty());
        assert!(
            page.text.contains(r#"href="/queue/demo">Get in line</a>"#),
            "{}",
            page.text
        );
        assert!(!page.text.contains("<script") && !page.text.contains("style="));
        let etag = page.header("etag");
        let url = format!("{}{path}", scene.url);
        for tags in [
            etag.to_owned(),
            format!("\"x\", W/{etag}"),
            String::from("*"),
        ] {
            let known = get_if_none_match(&url, &tags).await;
            assert_eq!((known.status, known.header("etag")), (304, etag), "{tags}");
        }
        assert_eq!(get_if_none_match(&url, "\"x\"").await.status, 200);
    }
}

#[tokio::test]
async fn assets_are_named_by_their_content_and_kept_for_good() {
    let scene = Scene::set().await;
    let page = scene.browser.get("/").await.text;
    let paths: Vec<_> = page
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    for path in paths {
        let asset = scene.browser.get(path).await;
        assert_eq!(asset.status, 200);
        assert_eq!(
            asset.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
    }
    assert_eq!(scene.browser.get("/assets/shop-0.css").await.status, 404);
    assert_eq!(scene.browser.get("/nowhere").await.status, 404);
}
