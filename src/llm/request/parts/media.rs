//! Parts that hold images, audio or files: told by their key, by `type` beside it, or by a media
//! type. Counts them and looks into none.

use serde::de::{IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::super::super::json::{self, BorrowedText};
use super::super::Seen;
use super::{Gather, What};

/// `type` of parts whose `data` or `uri` beside it is no text, as it stands in JSON.
/// <https://ai.google.dev/api/interactions-api>
const MEDIA_TYPES: [&str; 4] = [r#""image""#, r#""audio""#, r#""video""#, r#""document""#];

/// `type` of parts that are images, under whatever key the image stands.
const IMAGE_TYPES: [&str; 4] =
    [r#""image""#, r#""image_url""#, r#""input_image""#, r#""computer_screenshot""#];

/// What of a part tells whether its content is text; `type` may stand behind it.
#[derive(Default)]
pub(super) struct Content<'a> {
    kind: Option<&'a str>,
    pub(super) data: Option<&'a str>,
    uri: Option<&'a str>,
}

// === impl Content ===

impl<'a> Content<'a> {
    pub(super) fn take(&mut self, key: &str, value: &'a RawValue) {
        let place = match key {
            "type" => &mut self.kind,
            "data" => &mut self.data,
            _ => &mut self.uri,
        };
        *place = Some(value.get());
    }

    /// The model's own reasoning, which its provider has sealed: nobody else can write any.
    pub(super) fn is_sealed(&self) -> bool {
        self.kind == Some(r#""redacted_thinking""#)
    }

    pub(super) fn is_image(&self) -> bool {
        self.kind.is_some_and(|kind| IMAGE_TYPES.contains(&kind))
    }

    /// Words are text whatever `type` calls them.
    pub(super) fn is_media(&self) -> bool {
        // Slashes may be escaped.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\\".contains(&byte);
        let encoded = |data: &str| data.bytes().all(plain);
        let quoted = self.data.map(|data| data.trim_matches('"'));
        let is_file = quoted.map_or(self.uri.is_some(), encoded);
        is_file && self.kind.is_some_and(|kind| MEDIA_TYPES.contains(&kind))
    }
}

// === impl Gather ===

impl Gather<'_> {
    pub(super) fn source_map<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
    ) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        let mut kind = None;
        let mut data = None;
        let before = self.read.prompt.as_str().len();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            self.read.duplicate |= seen.again(&["type", "data", "content", "text"], &key.0);
            match key.0.as_ref() {
                "type" => kind = Some(map.next_value::<BorrowedText>()?),
                "data" => data = Some(map.next_value::<BorrowedText>()?),
                "content" | "text" => map.next_value_seed(self.within(What::Part))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let is_text = kind.is_some_and(|kind| kind.0 == "text");
        match data.filter(|_| is_text) {
            Some(data) => self.text(&data.0),
            None if self.read.prompt.as_str().len() == before => self.read.media_parts += 1,
            None => {}
        }
        Ok(())
    }

    /// A file; one of Google's is an image where its media type says so.
    pub(super) fn media_map<'de, A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut image = self.what == What::Images;
        while let Some(key) = map.next_key::<BorrowedText>()? {
            let raw = map.next_value::<&RawValue>()?.get();
            if matches!(key.0.as_ref(), "mimeType" | "mime_type") {
                image |= json::string(raw).is_some_and(|kind| kind.starts_with("image/"));
            }
        }
        self.media_part(image);
        Ok(())
    }

    pub(super) fn media_part(&mut self, image: bool) {
        self.read.media_parts += 1;
        self.read.input.images += u64::from(image);
    }
}
