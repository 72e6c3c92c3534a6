using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using PcieOe.MediaWriter;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public sealed class IoUringFileMediumKillTests() : FileMediumKillTests(FileEngineKind.IoUring);

public sealed class ThreadFileMediumKillTests() : FileMediumKillTests(FileEngineKind.Threads);

/// <summary>A process that writes is killed (SIGKILL) at random points, again and again on the same file: what it acknowledged is there, and whole.</summary>
public abstract class FileMediumKillTests(FileEngineKind kind)
{
    private const int Blocks = 512;

    private static int Kills => Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") switch
    {
        "soak" => 100,
        "quick" => 5,
        _ => 20,
    };

    [Fact]
    public async Task Writer_KilledAtRandomPoints_LosesNothingAcknowledged()
    {
        using var harness = new FileMediumHarness(kind, Blocks * WriterPattern.BlockBytes);
        var random = new Random(33);
        var promised = new long[Blocks];
        long acknowledgements = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            // Some die before the file is whole.
            bool isEarly = kill % 5 == 0;
            byte[] told = await RunAndKill(harness.Options, kill, isEarly ? random.Next(80) : -1, random.Next(1, 60_000));
            for (int at = 0; at + 24 <= told.Length; at += 24)
            {
                long first = BinaryPrimitives.ReadInt64LittleEndian(told.AsSpan(at));
                long count = BinaryPrimitives.ReadInt64LittleEndian(told.AsSpan(at + 8));
                long version = BinaryPrimitives.ReadInt64LittleEndian(told.AsSpan(at + 16));
                for (long block = first; block < first + count; block++)
                {
                    promised[block] = Math.Max(promised[block], version);
                }

                acknowledgements++;
            }

            harness.Open();
            var content = new byte[Blocks * WriterPattern.BlockBytes];
            Assert.Equal(MediaStatus.Success, harness.Read(0, content));
            for (int block = 0; block < Blocks; block++)
            {
                ReadOnlySpan<byte> found = content.AsSpan(block * WriterPattern.BlockBytes, WriterPattern.BlockBytes);
                Assert.True(WriterPattern.TryGetVersion(found, block, out long version), $"After kill {kill}, block {block} is torn.");
                Assert.True(version >= promised[block], $"After kill {kill}, block {block} has version {version}; {promised[block]} was acknowledged.");
            }

            harness.Close();
        }

        Assert.True(acknowledgements > 100 * Kills, $"Only {acknowledgements} writes were acknowledged.");
    }

    /// <summary>Kills the writer after some milliseconds of its life, or (if that is negative) after so many bytes of acknowledgements. Returns all it told.</summary>
    private static async Task<byte[]> RunAndKill(FileMediumOptions options, int round, int milliseconds, int bytes)
    {
        string firstVersion = ((round + 1) * 1_000_000_000L).ToString(CultureInfo.InvariantCulture);
        string[] arguments = [options.Path, options.SizeBytes.ToString(CultureInfo.InvariantCulture), options.Engine.ToString(), firstVersion];
        string program = Path.Combine(AppContext.BaseDirectory, "PcieOe.MediaWriter");
        using Process writer = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var told = new MemoryStream();
        var piece = new byte[4096];
        using var timer = new CancellationTokenSource();
        if (milliseconds >= 0)
        {
            timer.Token.Register(writer.Kill);
            timer.CancelAfter(milliseconds);
        }

        while (true)
        {
            int length = await writer.StandardOutput.BaseStream.ReadAsync(piece, CancellationToken.None);
            if (length == 0)
            {
                break;
            }

            told.Write(piece, 0, length);
            if (milliseconds < 0 && told.Length >= bytes)
            {
                writer.Kill();
                milliseconds = 0;
            }
        }

        await writer.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(128 + 9, writer.ExitCode);
        return told.ToArray();
    }
}
