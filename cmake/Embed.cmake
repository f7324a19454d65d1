# taskledger_embed(TARGET FILE SYMBOL): makes the bytes of a text file part of the target, as
# `extern const std::string_view SYMBOL` of the namespace taskledger::embedded.
function(taskledger_embed target file symbol)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.embedded.cc)
  get_filename_component(path ${file} ABSOLUTE)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${path} -DOUTPUT=${source} -DSYMBOL=${symbol} -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${path} ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    COMMENT "Embedding ${file}" VERBATIM)
  target_sources(${target} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
