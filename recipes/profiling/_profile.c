/* The Python module `_profile` of an instrumented runtime: where the counters are, and
 * `dump()`, which returns them as an LLVM raw profile.
 *
 * This is the platform half of LLVM's profile runtime, whose other half has no WASI: the
 * linker gives the bounds of each section whose name is an identifier. */

#include <Python.h>
#include <stdlib.h>

/* From InstrProfilingInternal.h, which cannot be included beside Python.h: it defines
 * `getpagesize` and `assert`. */
typedef struct {
    const void *Data;
    size_t ElmSize, NumElm;
    int UseZeroPadding;
} ProfDataIOVec;
typedef struct ProfDataWriter {
    uint32_t (*Write)(struct ProfDataWriter *, ProfDataIOVec *, uint32_t);
    void *WriterCtx;
} ProfDataWriter;
void *lprofGetVPDataReader(void);
int lprofWriteData(ProfDataWriter *writer, void *values, int skip_names);

/* What the compiler refers to, so that the linker takes a runtime. */
int __llvm_profile_runtime;

extern char __start___llvm_prf_data, __stop___llvm_prf_data;
extern char __start___llvm_prf_cnts, __stop___llvm_prf_cnts;
extern char __start___llvm_prf_names, __stop___llvm_prf_names;

#define SECTION(what, name)                                              \
    void *__llvm_profile_begin_##what(void) { return &__start___llvm_prf_##name; } \
    void *__llvm_profile_end_##what(void) { return &__stop___llvm_prf_##name; }
SECTION(data, data)
SECTION(counters, cnts)
SECTION(names, names)

/* Sections that this instrumentation does not make. Nodes of value profiles are allocated. */
#define NOTHING(what)                                        \
    void *__llvm_profile_begin_##what(void) { return NULL; } \
    void *__llvm_profile_end_##what(void) { return NULL; }
NOTHING(vnodes)
NOTHING(vtables)
NOTHING(vtabnames)
NOTHING(bitmap)
void *CurrentVNode = NULL, *EndVNode = NULL;
int __llvm_write_binary_ids(ProfDataWriter *writer) { return 0; }

/* clang 19 registers each function, not knowing that this linker has sections' bounds. */
void __llvm_profile_register_function(void *data) {}
void __llvm_profile_register_names_function(void *names, uint64_t size) {}

/* What minicov's edition of the runtime calls. */
void *minicov_alloc_zeroed(size_t size, size_t align) { return calloc(1, size); }
void minicov_dealloc(void *memory, size_t size, size_t align) { free(memory); }

static uint32_t append(ProfDataWriter *writer, ProfDataIOVec *parts, uint32_t count) {
    PyObject *out = writer->WriterCtx;
    for (uint32_t i = 0; i < count; i++) {
        Py_ssize_t size = parts[i].ElmSize * parts[i].NumElm, at = PyByteArray_GET_SIZE(out);
        if (PyByteArray_Resize(out, at + size) < 0) {
            return 1;
        }
        char *place = PyByteArray_AS_STRING(out) + at;
        if (parts[i].Data != NULL) {
            memcpy(place, parts[i].Data, size);
        } else {
            memset(place, 0, size);
        }
    }
    return 0;
}

static PyObject *dump(PyObject *self, PyObject *unused) {
    PyObject *out = PyByteArray_FromStringAndSize(NULL, 0);
    if (out == NULL) {
        return NULL;
    }
    ProfDataWriter writer = {append, out};
    if (lprofWriteData(&writer, lprofGetVPDataReader(), 0) != 0) {
        Py_DECREF(out);
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_RuntimeError, "the profile is broken");
    }
    return out;
}

static PyMethodDef methods[] = {{"dump", dump, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_profile", NULL, -1, methods};

PyMODINIT_FUNC PyInit__profile(void) { return PyModule_Create(&module); }
