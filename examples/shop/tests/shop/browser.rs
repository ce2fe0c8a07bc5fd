//! A browser, as far as the shop can tell: it keeps the session's cookie and says where its forms
//! come from.

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use tidegate_shop::settings::Settings;
use tidegate_shop::{Shop, router};

use crate::stand_in_edge::{ISSUER, ORIGIN_KEY, QUEUE, StandInEdge, serve};

/// A shop, its edge, and a browser in front of them.
pub struct Scene {
    pub edge: StandInEdge,
    pub shop: Shop,
    pub url: String,
    pub browser: Browser,
}

impl Scene {
    pub async fn set() -> Self {
        let edge = StandInEdge::start().await;
        Self::with_keys_at(edge.url.clone(), edge).await
    }

    /// One whose shop looks for the edge at `edge_url`.
    pub async fn with_keys_at(edge_url: String, edge: StandInEdge) -> Self {
        let settings = Settings {
            port: 0,
            edge_url,
            origin_key: ORIGIN_KEY.into(),
            issuer: ISSUER.into(),
            audience: QUEUE.into(),
            queue: QUEUE.parse().unwrap(),
        };
        let shop = Shop::new(settings).unwrap();
        let url = serve(router(shop.clone())).await;
        let browser = Browser::new(&url, &edge.url);
        Self {
            edge,
            shop,
            url,
            browser,
        }
    }

    /// One whose browser has opened a session with a token.
    pub async fn at_the_checkout() -> Self {
        let mut scene = Self::set().await;
        let arrived = scene.browser.arrive(&scene.edge.token(0)).await;
        assert_eq!(arrived.status, 303, "{}", arrived.text);
        scene
    }

    pub fn another_browser(&self) -> Browser {
        Browser::new(&self.url, &self.edge.url)
    }
}

#[derive(Clone)]
pub struct Browser {
    http: Client,
    shop: String,
    /// The site whose pages it shows.
    pub origin: String,
    pub cookie: Option<String>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// Checks that it is a page that nobody else may see.
    pub fn assert_personal(&self) {
        assert_eq!(self.header("cache-control"), "no-store");
    }
}

impl Browser {
    fn new(shop: &str, origin: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            http,
            shop: shop.into(),
            origin: origin.into(),
            cookie: None,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.shop)))
            .await
    }

    /// Posts an empty form.
    pub async fn post(&self, path: &str) -> Answer {
        self.post_form(path, String::new()).await
    }

    pub async fn post_form(&self, path: &str, form: String) -> Answer {
        let request = self
            .http
            .post(format!("{}{path}", self.shop))
            .header("origin", &self.origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        self.send(request).await
    }

    /// Posts a token as the waiting room's form does.
    pub async fn arrive(&mut self, token: &str) -> Answer {
        let answer = self
            .post_form("/checkout", format!("handoffToken={token}"))
            .await;
        self.keep_cookie(&answer);
        answer
    }

    /// Posts a token as the SDK's fetch does.
    pub async fn arrive_by_script(&mut self, token: &str) -> Answer {
        let url = format!("{}/checkout", self.shop);
        let answer = self.send(self.http.post(url).bearer_auth(token)).await;
        self.keep_cookie(&answer);
        answer
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        Answer::read(request.send().await.unwrap()).await
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = Some(cookie.into());
        }
    }
}
