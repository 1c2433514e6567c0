//! SQLite's own file system with a counter in front of whatever changes a file. At the chosen count the process ends.

use std::{
    collections::HashMap,
    ffi::{c_int, c_void},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rusqlite::ffi;

static LEFT: AtomicU64 = AtomicU64::new(u64::MAX);
static TORN: AtomicBool = AtomicBool::new(false);
static FULL: AtomicBool = AtomicBool::new(false);
static BASE: OnceLock<usize> = OnceLock::new();
static TABLES: Mutex<Option<HashMap<usize, usize>>> = Mutex::new(None);

/// A file's functions as SQLite sees them, and behind them the real ones.
#[repr(C)]
struct Table {
    shown: ffi::sqlite3_io_methods,
    real: *const ffi::sqlite3_io_methods,
}

/// Makes the counting file system the default of this process. It ends at the write with this number, halfway through if `torn`.
pub fn install(at: u64, torn: bool) {
    LEFT.store(at, Ordering::SeqCst);
    TORN.store(torn, Ordering::SeqCst);
    // SAFETY: SQLite's default file system lives as long as the process, and so does its changed copy, which is leaked.
    unsafe {
        ffi::sqlite3_initialize();
        let base = ffi::sqlite3_vfs_find(std::ptr::null());
        BASE.set(base as usize).expect("it is installed once");
        let mut counting = std::ptr::read(base);
        counting.zName = c"counting".as_ptr();
        counting.pNext = std::ptr::null_mut();
        counting.xOpen = Some(open);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(counting)), 1), ffi::SQLITE_OK);
    }
}

/// From now on nobody is killed, but the write with this number finds the disk full, once.
pub fn fill(at: u64) {
    FULL.store(true, Ordering::SeqCst);
    LEFT.store(at, Ordering::SeqCst);
}

/// The process is to end with this write, or the disk is full at it.
fn is_due() -> bool {
    LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the call is SQLite's own, handed on to the file system that it was meant for.
    unsafe {
        let base = *BASE.get().expect("it was installed") as *mut ffi::sqlite3_vfs;
        let code = (*base).xOpen.expect("every file system opens")(base, name, file, flags, out);
        if code == ffi::SQLITE_OK && !(*file).pMethods.is_null() {
            (*file).pMethods = table_for((*file).pMethods);
        }
        code
    }
}

unsafe fn table_for(real: *const ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods {
    let mut tables = TABLES.lock().expect("nothing panics while it is held");
    let made = tables.get_or_insert_default().entry(real as usize).or_insert_with(|| {
        // SAFETY: the table of a file that was just opened is whole; the copy is leaked.
        let mut shown = unsafe { std::ptr::read(real) };
        shown.xWrite = Some(write);
        shown.xSync = Some(sync);
        shown.xTruncate = Some(truncate);
        std::ptr::from_mut(Box::leak(Box::new(Table { shown, real }))) as usize
    });
    *made as *const ffi::sqlite3_io_methods
}

/// The real functions of a file that was opened here.
unsafe fn real(file: *mut ffi::sqlite3_file) -> ffi::sqlite3_io_methods {
    // SAFETY: `shown` is the first field of its `Table`.
    unsafe { std::ptr::read((*(*file).pMethods.cast::<Table>()).real) }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, bytes: c_int, at: ffi::sqlite3_int64) -> c_int {
    // SAFETY: handed on as it came, or with a smaller number of bytes.
    unsafe {
        let write = real(file).xWrite.expect("every file is written");
        if is_due() {
            if FULL.load(Ordering::SeqCst) {
                LEFT.store(u64::MAX, Ordering::SeqCst);
                return ffi::SQLITE_FULL;
            }
            if TORN.load(Ordering::SeqCst) {
                write(file, from, bytes / 2, at);
            }
            std::process::abort();
        }
        write(file, from, bytes, at)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    if !FULL.load(Ordering::SeqCst) && is_due() {
        std::process::abort();
    }
    // SAFETY: handed on as it came.
    unsafe { real(file).xSync.expect("every file is synced")(file, flags) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    if !FULL.load(Ordering::SeqCst) && is_due() {
        std::process::abort();
    }
    // SAFETY: handed on as it came.
    unsafe { real(file).xTruncate.expect("every file is truncated")(file, size) }
}
