//! A local folder as an object store that symbolic links cannot lead out of.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// One folder, to read from only.
#[derive(Debug, Clone)]
pub(super) struct LocalFolder {
    files: std::sync::Arc<LocalFileSystem>,
    /// The folder without any symbolic link on the way.
    root: PathBuf,
}

impl LocalFolder {
    /// Opens a folder, which must exist.
    pub(super) fn open(folder: &std::path::Path) -> std::result::Result<Self, object_store::Error> {
        let root = std::fs::canonicalize(folder).map_err(|cause| generic(Box::new(cause)))?;
        let files = LocalFileSystem::new_with_prefix(&root)?;
        Ok(Self { files: std::sync::Arc::new(files), root })
    }

    /// Refuses a path that leads out of the folder once its symbolic links are followed.
    ///
    /// A path that does not exist is let through: reading it then says so.
    async fn check(&self, location: &Path) -> Result<()> {
        let path = self.root.join(location.as_ref());
        let root = self.root.clone();
        let inside = tokio::task::spawn_blocking(move || match std::fs::canonicalize(path) {
            Ok(real) => real.starts_with(root),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        });
        match inside.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::NotSupported { source: "a link leads out of the folder".into() }),
            Err(cause) => Err(generic(Box::new(cause))),
        }
    }

    /// The objects of a listing that are inside; links that lead out are left out.
    fn inside(
        &self,
        prefix: Path,
        inner: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let folder = self.clone();
        let checked = async move {
            folder.check(&prefix).await?;
            Ok::<_, Error>(inner.try_filter_map(move |meta| {
                let folder = folder.clone();
                async move { Ok(folder.check(&meta.location).await.is_ok().then_some(meta)) }
            }))
        };
        stream::once(checked).try_flatten().boxed()
    }
}

fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic { store: "local folder", source }
}

impl fmt::Display for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalFolder")
    }
}

#[async_trait]
impl ObjectStore for LocalFolder {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(Error::NotImplemented { operation: "put".to_owned(), implementer: self.to_string() })
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "put".to_owned(), implementer: self.to_string() })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(location).await?;
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(location).await?;
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let refused = Error::NotImplemented { operation: "delete".to_owned(), implementer: self.to_string() };
        stream::once(async { Err(refused) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let inner = self.files.list(prefix);
        self.inside(prefix.cloned().unwrap_or_default(), inner)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(Error::NotImplemented { operation: "list of folders".to_owned(), implementer: self.to_string() })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copy".to_owned(), implementer: self.to_string() })
    }
}
