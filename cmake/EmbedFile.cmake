# The script behind taskledger_embed: INPUT as a raw string in OUTPUT. The file must not hold its delimiter.
file(READ "${INPUT}" content)
set(delimiter "taskledger")
string(FIND "${content}" ")${delimiter}\"" clash)
if(NOT clash EQUAL -1)
  message(FATAL_ERROR "${INPUT} holds the end of its own raw string")
endif()
file(WRITE "${OUTPUT}" "// Made by cmake/EmbedFile.cmake\n#include <string_view>\n\n"
  "namespace taskledger::embedded {\nextern const std::string_view ${SYMBOL};\n"
  "const std::string_view ${SYMBOL} = R\"${delimiter}(${content})${delimiter}\";\n}  // namespace taskledger::embedded\n")
