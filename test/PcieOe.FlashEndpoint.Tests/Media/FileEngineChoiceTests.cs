using System.Diagnostics;
using PcieOe.FlashEndpoint.Interop;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>Which engine a medium gets, and why.</summary>
public sealed class FileEngineChoiceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pcieoe-engine-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task IoUring_DeniedAsInContainers_ThreadsDoTheWork()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "PcieOe.MediaWriter");
        string[] arguments = [Path.Combine(_directory, "medium"), "1048576", nameof(FileEngineKind.Automatic), "1", "deny-io-uring"];
        using Process writer = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string? engine = await writer.StandardError.ReadLineAsync(CancellationToken.None);
        var acknowledgements = new byte[24 * 100];
        await writer.StandardOutput.BaseStream.ReadExactlyAsync(acknowledgements, CancellationToken.None);
        writer.Kill();
        await writer.WaitForExitAsync(CancellationToken.None);

        Assert.Equal("threads (io_uring_setup: Operation not permitted)", engine);
    }

    [Fact]
    public async Task IoUring_DeniedButDemanded_IsRefusedWithAdvice()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "PcieOe.MediaWriter");
        string[] arguments = [Path.Combine(_directory, "medium"), "1048576", nameof(FileEngineKind.IoUring), "1", "deny-io-uring"];
        using Process writer = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string error = await writer.StandardError.ReadToEndAsync(CancellationToken.None);
        await writer.WaitForExitAsync(CancellationToken.None);

        Assert.Contains("seccomp", error, StringComparison.Ordinal);
        Assert.Contains("let threads do the work", error, StringComparison.Ordinal);
    }

    [Fact]
    public void IoUring_RefusedByTheKernel_SaysWhy()
    {
        using IoUring? ring = IoUring.TryCreate(1 << 20, out string reason);

        Assert.Null(ring);
        Assert.StartsWith("io_uring_setup: ", reason, StringComparison.Ordinal);
    }
}
