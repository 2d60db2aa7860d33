package main
import ("context";"fmt";"os";"time";"encoding/json";"path/filepath";"vkernel/internal/aot")
func main(){
 var in []aot.Input
 for _,f:=range os.Args[2:]{ b,err:=os.ReadFile(f); if err!=nil{panic(err)}; in=append(in,aot.Input{Name:filepath.Base(f),Wasm:b}) }
 t:=time.Now()
 m,err:=aot.Build(context.Background(),in,aot.Options{OutAOT:os.Args[1],CacheDir:os.Getenv("CACHE"),Progress:func(d,n int,name string,t time.Duration){fmt.Println(d,n,name,t)}})
 if err!=nil{fmt.Println(err);os.Exit(1)}
 j,_:=json.MarshalIndent(m,""," "); if len(j)>3000{j=j[:3000]}; fmt.Println(string(j)); fmt.Println(time.Since(t))
}
