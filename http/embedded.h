// Files that are part of the binary (cmake/Embed.cmake makes them so). Constants; any thread.
#pragma once

#include <string_view>

namespace taskledger::embedded {

extern const std::string_view openapi_json;  // http/openapi/openapi.json
extern const std::string_view docs_html;     // http/openapi/docs.html

}  // namespace taskledger::embedded
