using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using PcieOe.Transport.Interop;

namespace PcieOe.Cli.Lab;

/// <summary>
/// A network namespace without a name: it lives as long as this object, or a process or socket in it, does, and then the kernel takes it
/// away with everything in it. So nothing is left over, however a run ends. A thread of its own is inside it; processes started by that
/// thread, and sockets opened there, belong to it.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;
    private int _descriptor = -1;

    private NetworkNamespace(string name)
    {
        Name = name;
        TaskCompletionSource entered = new();
        _thread = new Thread(() => Live(entered)) { IsBackground = true, Name = $"namespace {name}" };
        _thread.Start();
        try
        {
            entered.Task.GetAwaiter().GetResult();
        }
        catch
        {
            _work.Dispose();
            throw;
        }
    }

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>A descriptor that stands for it, for instance to move an interface into it.</summary>
    internal int Descriptor => _descriptor;

    /// <exception cref="LabException">This process may not.</exception>
    public static NetworkNamespace Create(string name) => new(name);

    /// <summary>Runs something on the thread inside, and waits for it.</summary>
    public T Run<T>(Func<T> function)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        using ManualResetEventSlim done = new();
        _work.Add(() =>
        {
            try
            {
                result = function();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }

            done.Set();
        });
        done.Wait();
        failure?.Throw();
        return result;
    }

    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>
    /// Starts a process inside. It inherits the namespace from the thread that starts it, and where setpriv is to be had it dies with this
    /// process even if this one is killed.
    /// </summary>
    /// <param name="processor">The one processor that the process may use; null: any.</param>
    public Process Start(ProcessStartInfo start, int? processor = null) => Run(() =>
    {
        using ProcessorRestriction restriction = new(processor);
        return Process.Start(DieWithParent(start)) ?? throw new LabException($"{start.FileName} could not be started.");
    });

    public void Dispose()
    {
        if (_work.IsAddingCompleted)
        {
            return;
        }

        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
        if (_descriptor >= 0)
        {
            _ = LibC.Close(_descriptor);
            _descriptor = -1;
        }
    }

    private static ProcessStartInfo DieWithParent(ProcessStartInfo start)
    {
        if (ProgramPath.Find("setpriv") is not { } setpriv || start.ArgumentList.Count == 0 && start.Arguments.Length > 0)
        {
            return start;
        }

        List<string> arguments = ["--pdeathsig", "KILL", "--", start.FileName, .. start.ArgumentList];
        start.FileName = setpriv;
        start.ArgumentList.Clear();
        arguments.ForEach(start.ArgumentList.Add);
        return start;
    }

    private void Live(TaskCompletionSource entered)
    {
        try
        {
            if (NamespaceCalls.Unshare(NamespaceCalls.NewNetwork) < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                throw new LabException(
                    $"A network namespace could not be made: {Errno.Describe(error)}. It takes root, or a kernel that lets users have namespaces of their own " +
                    "(sysctl kernel.unprivileged_userns_clone=1 where there is such a setting).");
            }

            _descriptor = NamespaceCalls.Open("/proc/thread-self/ns/net", NamespaceCalls.ReadOnlyCloseOnExec);
            if (_descriptor < 0)
            {
                throw new LabException($"A network namespace could not be held open: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
            }
        }
        catch (LabException exception)
        {
            entered.SetException(exception);
            return;
        }

        entered.SetResult();
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
