DROP FUNCTION permissions_compare_new_rows();
DROP FUNCTION permissions_guard_matrix_row();
DROP FUNCTION permissions_guard_matrix();

DROP TRIGGER history_of_insert ON permissions_permissionmatrix;
DROP TRIGGER history_of_update ON permissions_permissionmatrix;
DROP TRIGGER history_of_delete ON permissions_permissionmatrix;
