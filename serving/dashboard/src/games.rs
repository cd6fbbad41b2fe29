//! The games of the catalogue: their list, and their cover pictures.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use crate::error::RequestError;
use crate::options::Game;
use crate::packed::pack;
use crate::tagged::tagged;

/// The catalogue, in the form in which it is served.
#[derive(Debug)]
pub(crate) struct Games {
    list: Bytes,
    /// The covers by the ids of their games.
    covers: HashMap<String, Cover>,
}

#[derive(Debug)]
struct Cover {
    svg: Bytes,
    etag: HeaderValue,
}

#[derive(Serialize)]
struct List<'a> {
    games: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    genre: &'a str,
    has_cover: bool,
}

impl Games {
    pub(crate) fn new(games: Vec<Game>) -> Self {
        let listed = games.iter().map(|game| Listed {
            id: &game.id,
            name: &game.name,
            genre: &game.genre,
            has_cover: game.cover.is_some(),
        });
        let list = List {
            games: listed.collect(),
        };
        // Serialising texts cannot fail.
        let list = Bytes::from(serde_json::to_vec(&list).unwrap_or_default());
        let covers = games.into_iter().filter_map(|game| {
            let cover = Cover::new(game.cover?);
            Some((game.id, cover))
        });
        Self {
            list,
            covers: covers.collect(),
        }
    }

    /// Returns the list of the games, as JSON.
    pub(crate) fn list(&self) -> Bytes {
        self.list.clone()
    }

    pub(crate) async fn cover(
        &self,
        id: &str,
        headers: &HeaderMap,
    ) -> Result<Response, RequestError> {
        match self.covers.get(id) {
            Some(cover) => Ok(cover.serve(headers).await),
            None => Err(RequestError::NoSuchCover(id.to_owned())),
        }
    }
}

impl Cover {
    fn new(svg: String) -> Self {
        let mut hasher = DefaultHasher::new();
        svg.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        Self {
            svg: svg.into(),
            etag: HeaderValue::try_from(etag).expect("a quoted hexadecimal number is a header"),
        }
    }

    async fn serve(&self, headers: &HeaderMap) -> Response {
        let body = pack(headers, self.svg.clone());
        tagged(headers, &self.etag, "image/svg+xml", body).await
    }
}
