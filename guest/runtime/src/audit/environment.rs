//! Who looks into `os.environ`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use wadup_protocol::audit::Impurity;

use super::note;

/// `os.environ` and `os.environb` are two views of one dictionary: this attribute of theirs.
const DATA: &str = "_data";
const VIEWS: [&str; 2] = ["environ", "environb"];

/// Puts an observed dictionary behind the views.
pub(super) fn watch(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    let data = os.getattr(VIEWS[0])?.getattr(DATA)?.cast_into::<PyDict>()?;
    let observed = Bound::new(
        py,
        Observed {
            data: data.unbind(),
        },
    )?;
    show(&os, observed.as_any())
}

/// Puts the dictionary itself back.
pub(super) fn unwatch(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    // The program may have put something else there, which is then its own.
    let Ok(observed) = os.getattr(VIEWS[0])?.getattr(DATA)?.cast_into::<Observed>() else {
        return Ok(());
    };
    let data = observed.get().data.clone_ref(py).into_bound(py);
    show(&os, data.as_any())
}

fn show(os: &Bound<'_, PyModule>, data: &Bound<'_, PyAny>) -> PyResult<()> {
    VIEWS
        .iter()
        .try_for_each(|view| os.getattr(*view)?.setattr(DATA, data))
}

/// The dictionary, and word of who reads it.
#[pyclass(frozen, name = "environ", module = "posix")]
struct Observed {
    data: Py<PyDict>,
}

impl Observed {
    fn read<'py>(
        &self,
        py: Python<'py>,
        variable: Option<&Bound<'py, PyAny>>,
    ) -> &Bound<'py, PyDict> {
        let variable = variable.and_then(|name| name.cast::<PyBytes>().ok());
        let variable = variable.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        note(Impurity::Environment { variable });
        self.data.bind(py)
    }
}

#[pymethods]
impl Observed {
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.read(key.py(), Some(key)).as_any().get_item(key)
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.read(key.py(), Some(key)).contains(key)
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.data.bind(key.py()).set_item(key, value)
    }

    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        self.data.bind(key.py()).del_item(key)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.read(py, None).len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.read(py, None).try_iter()?.into_any())
    }

    /// `items()`, `copy()` and what else a dictionary has.
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.read(py, None).getattr(name)
    }
}
