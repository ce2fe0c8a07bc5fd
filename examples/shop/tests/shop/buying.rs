//! From session to a paid order.

use crate::browser::Scene;

#[tokio::test]
async fn an_admitted_shopper_gets_all_the_way_to_paid() {
    let mut scene = Scene::set().await;
    let product = scene.browser.get("/products/tide-lamp").await;
    assert!(product.text.contains(r#"href="/queue/demo""#));
    assert_eq!(scene.browser.arrive(&scene.edge.token(0)).await.status, 303);

    let order = scene.browser.get("/checkout").await;
    assert_eq!(order.status, 200);
    order.assert_personal();
    assert!(order.text.contains("Held for you until"), "{}", order.text);
    assert!(order.text.contains(r#"action="/checkout/pay""#));

    let paid = scene.browser.post("/checkout/pay").await;
    assert_eq!(paid.status, 303);
    assert_eq!(scene.edge.calls(), ["redeem", "extend", "complete"]);
    assert_eq!(
        (scene.shop.till().captures(), scene.shop.till().refunds()),
        (1, 0)
    );

    let page = scene.browser.get(paid.header("location")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Your order is paid"), "{}", page.text);
    page.assert_personal();
    assert_eq!(
        scene.browser.get("/checkout").await.header("location"),
        paid.header("location")
    );
    let stranger = scene.another_browser().get(paid.header("location")).await;
    assert_eq!(stranger.status, 404);
    assert_eq!(
        scene.browser.get("/orders/0000000000000000").await.status,
        404
    );
}

#[tokio::test]
async fn paying_twice_is_the_same_order() {
    let scene = Scene::at_the_checkout().await;
    let pay = || {
        let browser = scene.browser.clone();
        tokio::spawn(async move { browser.post("/checkout/pay").await })
    };
    let (first, second) = (pay(), pay());
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let later = scene.browser.post("/checkout/pay").await;
    assert_eq!(first.status, 303);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(first.header("location"), later.header("location"));
    assert_eq!(scene.shop.till().captures(), 1);
    assert_eq!(scene.edge.calls(), ["redeem", "extend", "complete"]);
}

#[tokio::test]
async fn cancelling_gives_the_place_back() {
    let mut scene = Scene::at_the_checkout().await;
    let cancelled = scene.browser.post("/checkout/cancel").await;
    assert_eq!(
        (cancelled.status, cancelled.header("location")),
        (303, "/products/tide-lamp")
    );
    assert!(cancelled.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(scene.edge.calls(), ["redeem", "release"]);
    assert_eq!(scene.browser.get("/checkout").await.status, 401);
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 401);
    assert_eq!(scene.browser.arrive(&scene.edge.token(0)).await.status, 401);
    assert_eq!(scene.shop.till().captures(), 0);
}

#[tokio::test]
async fn a_paid_order_is_not_cancelled() {
    let scene = Scene::at_the_checkout().await;
    let paid = scene.browser.post("/checkout/pay").await;
    assert_eq!(
        scene
            .browser
            .post("/checkout/cancel")
            .await
            .header("location"),
        "/checkout"
    );
    assert_eq!(scene.browser.get(paid.header("location")).await.status, 200);
    assert_eq!(scene.edge.calls(), ["redeem", "extend", "complete"]);
}

#[tokio::test]
async fn more_time_is_asked_for_and_shown() {
    let scene = Scene::at_the_checkout().await;
    assert!(
        scene
            .browser
            .get("/checkout")
            .await
            .text
            .contains("(9 minutes left)")
    );
    assert_eq!(
        scene
            .browser
            .post("/checkout/extend")
            .await
            .header("location"),
        "/checkout"
    );
    assert!(
        scene
            .browser
            .get("/checkout")
            .await
            .text
            .contains("(14 minutes left)")
    );
}

#[tokio::test]
async fn no_money_is_taken_once_the_place_is_over() {
    let scene = Scene::at_the_checkout().await;
    scene.edge.refuse("extend", 410, "ADMISSION_EXPIRED");
    for answer in [
        scene.browser.post("/checkout/pay").await,
        scene.browser.get("/checkout").await,
    ] {
        assert_eq!(answer.status, 410);
        assert!(
            answer.text.contains("have not been charged"),
            "{}",
            answer.text
        );
    }
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 410);
    assert_eq!(scene.shop.till().captures(), 0);
}

#[tokio::test]
async fn money_taken_for_stock_that_is_gone_is_given_back() {
    let scene = Scene::at_the_checkout().await;
    scene.edge.refuse("complete", 410, "SOLD_OUT");
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 410);
    assert_eq!(
        (scene.shop.till().captures(), scene.shop.till().refunds()),
        (1, 1)
    );
}

#[tokio::test]
async fn an_order_that_cannot_be_confirmed_yet_is_charged_once() {
    let scene = Scene::at_the_checkout().await;
    scene.edge.refuse("complete", 503, "SERVICE_UNAVAILABLE");
    let waiting = scene.browser.post("/checkout/pay").await;
    assert_eq!((waiting.status, waiting.header("retry-after")), (503, "60"));
    assert!(waiting.text.contains(r#"action="/checkout/pay""#));
    assert_eq!(
        scene
            .browser
            .post("/checkout/cancel")
            .await
            .header("location"),
        "/checkout"
    );
    assert_eq!(scene.browser.get("/checkout").await.status, 503);
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 303);
    assert_eq!(
        (scene.shop.till().captures(), scene.shop.till().refunds()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_misconfigured_shop_takes_no_money() {
    let scene = Scene::at_the_checkout().await;
    scene.edge.refuse("extend", 401, "UNAUTHORIZED");
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 502);
    assert_eq!(scene.shop.till().captures(), 0);
}

#[tokio::test]
async fn orders_change_from_own_pages_only() {
    let mut scene = Scene::at_the_checkout().await;
    for origin in ["https://evil.example", "null", ""] {
        origin.clone_into(&mut scene.browser.origin);
        for path in ["/checkout/pay", "/checkout/extend", "/checkout/cancel"] {
            assert_eq!(
                scene.browser.post(path).await.status,
                403,
                "{path} from {origin}"
            );
        }
    }
    assert_eq!(scene.edge.calls(), ["redeem"]);
    // The browser was given the edge's other loopback name.
    scene.browser.origin = scene.edge.url.replace("127.0.0.1", "localhost");
    assert_eq!(scene.browser.post("/checkout/pay").await.status, 303);
}
