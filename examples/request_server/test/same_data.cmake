# cmake -Dgenerator=PROGRAM -Ddata=FOLDER -Dscratch=FOLDER -P same_data.cmake : the generator writes what is committed.
file(MAKE_DIRECTORY ${scratch})
execute_process(COMMAND ${generator} ${scratch} COMMAND_ERROR_IS_FATAL ANY)
foreach(name orders.jsonl pages.jsonl searches.txt text.txt sample.json)
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${scratch}/${name} ${data}/${name} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
