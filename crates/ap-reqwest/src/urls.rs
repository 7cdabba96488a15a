//! [`Urls`]: URLs of the library's own type, and the value of `Host`. Parsing a URL costs a tenth of a call, most
//! of it for the scheme and the host, so these are parsed once.

use std::sync::{PoisonError, RwLock};

use ap_client::transport::host;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use reqwest::Url;

/// An account's calls go to a handful of origins. Further ones are parsed each time.
const MOST: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Urls(RwLock<Vec<Base>>);

#[derive(Debug)]
struct Base {
    scheme: Scheme,
    authority: Authority,
    url: Url,
    host: Option<HeaderValue>,
}

impl Urls {
    /// Returns the URI as a URL, if the library would not change its spelling, and its host.
    pub(crate) fn get(&self, uri: &Uri) -> Result<(Url, Option<HeaderValue>), &'static str> {
        let parse =
            |text: &str| Url::parse(text).map_err(|_| "the library does not accept the URL");
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err("the library does not accept the URL");
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let (url, host) = if is_rooted(target) {
            let known = {
                let bases = self.0.read().unwrap_or_else(PoisonError::into_inner);
                let base = bases
                    .iter()
                    .find(|base| base.scheme == *scheme && base.authority == *authority);
                base.map(|base| (base.url.join(target), base.host.clone()))
            };
            match known {
                Some((joined, host)) => {
                    let joined = joined.map_err(|_| "the library does not accept the URL")?;
                    (joined, host)
                }
                None => {
                    let url = parse(&format!("{scheme}://{authority}/"))?;
                    let joined = url
                        .join(target)
                        .map_err(|_| "the library does not accept the URL")?;
                    let host = host(uri);
                    let mut bases = self.0.write().unwrap_or_else(PoisonError::into_inner);
                    if bases.len() < MOST {
                        bases.push(Base {
                            scheme: scheme.clone(),
                            authority: authority.clone(),
                            url,
                            host: host.clone(),
                        });
                    }
                    (joined, host)
                }
            }
        } else {
            (parse(&uri.to_string())?, host(uri))
        };
        if url.path() != uri.path() || url.query() != uri.query() {
            return Err("the library would change the URL");
        }
        Ok((url, host))
    }
}

/// Returns `true` if a target, read as a relative reference, changes nothing before the path.
fn is_rooted(target: &str) -> bool {
    matches!(target.as_bytes(), [b'/'] | [b'/', b'!'..=b'.' | b'0'..=b'[' | b']'..=b'~', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_second_time_are_alike_and_like_the_whole_text() {
        let urls = Urls::default();
        for text in [
            "https://app.leadconduit.com",
            "https://app.leadconduit.com/",
            "https://app.leadconduit.com/flows?limit=100",
            "https://APP.leadconduit.com:443/a%2Fb/?q=%7B%7D",
            "http://127.0.0.1:8080/flows?a=b&c='",
            "http://[::1]:8080/~a/;b=c",
            "https://a.example/?",
            "https://a.example/:80/x",
            "https://a.example/a:b@c",
            "https://a.example//b.example/c",
            "https://a.example/\\b.example/c",
            "https://a.example/../x",
            "https://a.example/%2e/x",
            "https://a.example/a\"b",
        ] {
            let Ok(uri) = text.parse::<Uri>() else {
                continue;
            };
            let whole = Url::parse(&uri.to_string()).ok();
            let whole = whole.filter(|url| url.path() == uri.path() && url.query() == uri.query());
            for time in ["first", "second"] {
                let (url, host_value) = urls.get(&uri).ok().unzip();
                assert_eq!(url, whole, "{text}, the {time} time");
                let expected = url.and_then(|_| host(&uri));
                assert_eq!(host_value.flatten(), expected, "{text}, the {time} time");
            }
        }
    }

    #[test]
    fn no_more_bases_are_kept_than_an_account_needs() {
        let urls = Urls::default();
        for number in 0..100 {
            let uri: Uri = format!("https://host-{number}.example/").parse().unwrap();
            assert_eq!(urls.get(&uri).unwrap().0.as_str(), uri.to_string());
        }
        assert_eq!(urls.0.read().unwrap().len(), MOST);
    }
}
