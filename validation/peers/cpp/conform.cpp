// Compute convolutions, restrictions and depth of exported cases, in C++ with the C interface of HDF5.
//
//   refms conform export -o cases.h5
//   h5c++ -std=c++17 -O2 -o conform validation/peers/cpp/conform.cpp
//   ./conform cases.h5 results.h5
//   refms conform verify cases.h5 results.h5 --only 'convolution/*/product,transfer/*/restriction,depth/doubled,depth/uneven'
//
// C++ sees the arrays as they are documented, in C order: the last index is the fastest.

#include <hdf5.h>

#include <cstddef>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using Extents = std::vector<std::size_t>;
using Index = std::vector<long>;

struct Array {
  Extents shape;
  std::vector<double> values;
};

static std::size_t product(const Extents& extents) {
  std::size_t all = 1;
  for (std::size_t n : extents) all *= n;
  return all;
}

static hid_t checked(hid_t id, const std::string& what) {
  if (id < 0) throw std::runtime_error("HDF5 refuses: " + what);
  return id;
}

// Integers and float32 are converted by HDF5.
static Array read(hid_t file, const std::string& name) {
  const hid_t dataset = checked(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  const hid_t space = checked(H5Dget_space(dataset), name);
  std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  Array array{Extents(extents.begin(), extents.end()), {}};
  array.values.resize(product(array.shape));
  checked(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()), name);
  H5Sclose(space);
  H5Dclose(dataset);
  return array;
}

static void write(hid_t file, const std::string& name, const Array& array) {
  const std::vector<hsize_t> extents(array.shape.begin(), array.shape.end());
  const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  const hid_t dataset =
      checked(H5Dcreate2(file, name.c_str(), H5T_IEEE_F64LE, space, links, H5P_DEFAULT, H5P_DEFAULT), name);
  checked(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()), name);
  H5Dclose(dataset);
  H5Pclose(links);
  H5Sclose(space);
}

// The indices of a place in C order, and the place of indices that are wrapped around.
static Index digits(std::size_t place, const Extents& extents) {
  Index index(extents.size());
  for (std::size_t axis = extents.size(); axis-- > 0; place /= extents[axis])
    index[axis] = static_cast<long>(place % extents[axis]);
  return index;
}

static std::size_t wrapped(const Index& index, const Extents& extents) {
  std::size_t place = 0;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    const long n = static_cast<long>(extents[axis]);
    place = place * extents[axis] + static_cast<std::size_t>(((index[axis] % n) + n) % n);
  }
  return place;
}

// (K y)_i = sum_k S_k y_(i+k), periodic; S is (c_out, c_in, *stencil).
static Array convolution(const Array& S, const Array& Y, const Extents& grid) {
  const std::size_t c_out = S.shape[0], c_in = S.shape[1], n = product(grid), m = Y.shape[1];
  const Extents stencil(S.shape.begin() + 2, S.shape.end());
  const std::size_t entries = product(stencil);
  Array Z{{c_out * n, m}, std::vector<double>(c_out * n * m)};
  for (std::size_t cell = 0; cell < n; ++cell)
    for (std::size_t q = 0; q < entries; ++q) {
      Index index = digits(cell, grid);
      const Index entry = digits(q, stencil);
      for (std::size_t axis = 0; axis < grid.size(); ++axis)
        index[axis] += entry[axis] - static_cast<long>(stencil[axis] / 2);
      const std::size_t there = wrapped(index, grid);
      for (std::size_t o = 0; o < c_out; ++o)
        for (std::size_t i = 0; i < c_in; ++i)
          for (std::size_t j = 0; j < m; ++j)
            Z.values[(o * n + cell) * m + j] +=
                S.values[(o * c_in + i) * entries + q] * Y.values[(i * n + there) * m + j];
    }
  return Z;
}

// One row of R in one dimension: offsets from cell 2i, and weights.
struct Row {
  std::string pair;
  std::vector<long> offsets;
  std::vector<double> weights;
};

static const std::vector<Row> kRows = {
    {"averaging-bilinear", {0, 1}, {0.5, 0.5}}, {"averaging-constant", {0, 1}, {0.5, 0.5}},
    {"summing-constant", {0, 1}, {1, 1}},       {"full-weighting-linear", {-1, 0, 1}, {0.25, 0.5, 0.25}},
    {"injection-linear", {0}, {1}},             {"injection-cubic", {0}, {1}},
    {"nearest", {0}, {1}}};

static Array restriction(const Array& fine, const Extents& grid, const Row& row) {
  Extents coarse = grid;
  for (std::size_t& n : coarse) n /= 2;
  const std::size_t n = product(grid), N = product(coarse), m = fine.shape[1], channels = fine.shape[0] / n;
  const Extents widths(grid.size(), row.offsets.size());
  Array Y{{channels * N, m}, std::vector<double>(channels * N * m)};
  for (std::size_t cell = 0; cell < N; ++cell)
    for (std::size_t q = 0; q < product(widths); ++q) {
      Index index = digits(cell, coarse);
      const Index which = digits(q, widths);
      double weight = 1;
      for (std::size_t axis = 0; axis < grid.size(); ++axis) {
        index[axis] = 2 * index[axis] + row.offsets[static_cast<std::size_t>(which[axis])];
        weight *= row.weights[static_cast<std::size_t>(which[axis])];
      }
      const std::size_t there = wrapped(index, grid);
      for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t j = 0; j < m; ++j)
          Y.values[(c * N + cell) * m + j] += weight * fine.values[(c * n + there) * m + j];
    }
  return Y;
}

// One row a layer, at the times t_k = k T / N: piecewise linear, constant beyond the last old time.
static Array deeper(const Array& Theta, std::size_t layers) {
  const std::size_t N = Theta.shape[0], size = Theta.shape[1];
  Array rows{{layers, size}, std::vector<double>(layers * size)};
  for (std::size_t j = 0; j < layers; ++j) {
    const std::size_t k = j * N / layers, next = k + 1 < N ? k + 1 : k;
    const double f = static_cast<double>(j * N % layers) / static_cast<double>(layers);
    for (std::size_t i = 0; i < size; ++i)
      rows.values[j * size + i] = (1 - f) * Theta.values[k * size + i] + f * Theta.values[next * size + i];
  }
  return rows;
}

static Extents extents_of(const Array& setting) {
  return Extents(setting.values.begin(), setting.values.end());
}

int main(int count, char** words) try {
  if (count != 3) throw std::runtime_error("usage: conform CASES RESULTS");
  const hid_t cases = checked(H5Fopen(words[1], H5F_ACC_RDONLY, H5P_DEFAULT), words[1]);
  const hid_t results = checked(H5Fcreate(words[2], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), words[2]);
  for (const std::string name : {"1d", "2d", "3d", "wrapped"}) {
    const std::string id = "convolution/" + name, from = "case/" + id;
    const Extents grid = extents_of(read(cases, from + "/setting/grid"));
    write(results, "result/" + id + "/product",
          convolution(read(cases, from + "/input/S"), read(cases, from + "/input/Y"), grid));
  }
  for (const std::string name : {"1d", "2d", "3d"}) {
    const std::string id = "transfer/" + name, from = "case/" + id;
    const Extents grid = extents_of(read(cases, from + "/setting/fine_grid"));
    for (const Row& row : kRows)
      write(results, "result/" + id + "/" + row.pair + "/restriction",
            restriction(read(cases, from + "/input/fine"), grid, row));
  }
  for (const std::string name : {"doubled", "uneven"}) {
    const std::string id = "depth/" + name, from = "case/" + id;
    const auto layers = static_cast<std::size_t>(read(cases, from + "/setting/new_layers").values[0]);
    write(results, "result/" + id + "/prolongation", deeper(read(cases, from + "/input/Theta"), layers));
  }
  H5Fclose(results);
  H5Fclose(cases);
} catch (const std::exception& error) {
  std::cerr << "conform: " << error.what() << "\n";
  return 2;
}
