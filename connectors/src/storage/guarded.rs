//! One source's object store behind a guard: read only, below the root only, a few requests at a time.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::limit::LimitStore;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

/// Scheme of the addresses of guarded stores.
pub(crate) const SCHEME: &str = "mesh";

/// Most objects of one listing.
const MAX_LISTED: usize = 1_000_000;

/// A store that serves one source and nothing else.
///
/// It is addressed as `mesh://<id>/<id>/…`, where the id is random. The id is the host, because the engine
/// tells stores apart by scheme and host; and it is the first part of every path, because the engine caches
/// file footers by path alone, and because a path that climbs out of the root then loses it and is refused.
pub(crate) struct GuardedStore {
    inner: LimitStore<Arc<dyn ObjectStore>>,
    id: String,
    root: Url,
}

impl GuardedStore {
    /// Guards `inner`, whose own root is the root of the source.
    ///
    /// # Errors
    /// Never in practice: hexadecimal digits make a good address.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, requests: usize) -> std::result::Result<Self, url::ParseError> {
        let id = format!("{:032x}", rand::random::<u128>());
        let root = Url::parse(&format!("{SCHEME}://{id}/{id}/"))?;
        Ok(Self { inner: LimitStore::new(inner, requests.max(1)), id, root })
    }

    /// Host of its address, and first part of its paths.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Address of the root, with a slash at the end.
    pub(crate) fn root(&self) -> &Url {
        &self.root
    }

    /// Whether `path` is below the root and free of climbing parts.
    pub(crate) fn allows(&self, path: &Path) -> bool {
        self.below_root(path).is_ok()
    }

    /// `path` relative to the root.
    fn below_root(&self, path: &Path) -> Result<Path> {
        let mut parts = path.parts();
        let mine = parts.next().is_some_and(|part| part.as_ref() == self.id);
        let below: Path = parts.clone().collect();
        if mine && !parts.any(|part| climbs(part.as_ref())) { Ok(below) } else { Err(refused("outside the root")) }
    }

    /// Sorts a listing, because the Delta kernel relies on order and not every store keeps it; and leaves out what is
    /// not after `offset`, because not every store knows offsets.
    fn listed(
        &self,
        inner: Result<BoxStream<'static, Result<ObjectMeta>>>,
        offset: Option<Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let id = self.id.clone();
        let all = async move {
            let mut all: Vec<ObjectMeta> = inner?.take(MAX_LISTED + 1).try_collect().await?;
            if all.len() > MAX_LISTED {
                return Err(refused("too many objects"));
            }
            all.retain(|meta| offset.as_ref().is_none_or(|offset| meta.location > *offset));
            all.sort_unstable_by(|a, b| a.location.cmp(&b.location));
            Ok(stream::iter(all.into_iter().map(move |meta| Ok(named_below(&id, meta)))))
        };
        stream::once(all).try_flatten().boxed()
    }
}

/// `meta` with its path as the engine names it.
fn named_below(id: &str, meta: ObjectMeta) -> ObjectMeta {
    let location = std::iter::once(id.into()).chain(meta.location.parts()).collect();
    ObjectMeta { location, ..meta }
}

/// Whether a part of a path could lead upwards in some reading of it.
fn climbs(part: &str) -> bool {
    let plain = part.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".." || plain.contains("%2f") || plain.contains("%5c") || plain.contains('\\')
}

/// An error that says why, and never where.
fn refused(why: &'static str) -> Error {
    Error::NotSupported { source: why.into() }
}

fn no_prefix() -> Error {
    refused("listing without a prefix")
}

fn read_only<T>() -> Result<T> {
    Err(refused("the store is read only"))
}

impl fmt::Debug for GuardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the inner store: its debug form may hold addresses and key ids.
        f.debug_struct("GuardedStore").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Display for GuardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedStore({})", self.id)
    }
}

#[async_trait]
impl ObjectStore for GuardedStore {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only()
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only()
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut result = self.inner.get_opts(&self.below_root(location)?, options).await?;
        result.meta = named_below(&self.id, result.meta);
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(&self.below_root(location)?, ranges).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { read_only() }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let below = prefix.ok_or_else(no_prefix).and_then(|prefix| self.below_root(prefix));
        self.listed(below.map(|prefix| self.inner.list(Some(&prefix))), None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let below =
            prefix.ok_or_else(no_prefix).and_then(|prefix| Ok((self.below_root(prefix)?, self.below_root(offset)?)));
        let after = below.as_ref().ok().map(|(_, offset)| offset.clone());
        self.listed(below.map(|(prefix, offset)| self.inner.list_with_offset(Some(&prefix), &offset)), after)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(refused("listing of folders"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only()
    }
}
