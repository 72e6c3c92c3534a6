using System.Buffers.Binary;
using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>A client that sends garbage: whatever it is, the next client is served.</summary>
public sealed class GarbageTests
{
    private static readonly byte[][] Corpus =
    [
        Message(1, 2, 32u, 3u, 0ul, 0x1000ul, 0x1000ul),
        Message(2, 3, 24u, 0u, 0x1000ul, 0x1000ul),
        Message(3, 4, 16u, 0u, 0u, 0u),
        Message(4, 5, 64u, 0u, 0u, 0u, 0ul, 0ul),
        Message(5, 6, 16u, 0u, 0u, 0u),
        Message(6, 7, 16u, 0u, 2u, 0u),
        Message(7, 8, 20u, 0x24u, 2u, 0u, 1u),
        Message(8, 8, 24u, 0x22u, 2u, 0u, 4u, 0x01010101u),
        Message(9, 9, 0x10ul, 0u, 8u),
        Message(10, 9, 0ul, 7u, 4096u),
        Message(11, 10, 0x14ul, 0u, 4u, 1u),
        Message(12, 10, 0x4ul, 7u, 2u, (ushort)6),
        MessageWithFlags(13, 11, 1, 0x1000ul, 8ul, 0ul),
        MessageWithFlags(14, 12, 1, 0x1000ul, 8ul),
        Message(15, 13),
        Message(16, 1, (ushort)0, (ushort)0, "{\"capabilities\":{}}\0"u8.ToArray()),
    ];

    private static int Rounds => Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") switch
    {
        "soak" => 200_000,
        "quick" => 2_000,
        _ => 20_000,
    };

    [Fact]
    public void MutatedMessages_NeverStopTheServer()
    {
        const int Seed = 20260117;
        var random = new Random(Seed);
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        int signal = Descriptors.Event();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);
        int unsealed = Descriptors.Memory(0x4000);
        int clients = 0;
        for (int round = 0; round < Rounds;)
        {
            using TestClient client = harness.ConnectAndNegotiate();
            clients++;
            for (int i = 0; i < 100 && !client.IsClosed; i++, round++)
            {
                byte[] message = Mutate(Corpus[random.Next(Corpus.Length)], random);
                int[] descriptors = random.Next(4) switch
                {
                    0 => [signal],
                    1 => [memory],
                    2 => [.. Enumerable.Repeat(unsealed, random.Next(1, 100))],
                    _ => [],
                };
                harness.Send(client, message, descriptors);
                harness.Now += 10_000_000;
                harness.PumpOnce();
                harness.Function.Client?.OnInterrupt(random.Next(-1, 7), harness.Now);
                if (harness.Function.Window.Values.FirstOrDefault(static range => range.Client is not null).Client is { } asked)
                {
                    asked.TryStartRead(0x1000, 8, new DmaReadTicket((ulong)round), harness.Now);
                }

                while (client.TryReceive(out Reply reply))
                {
                    Descriptors.Close(reply.Descriptors);
                }
            }
        }

        Assert.True(clients > 10, $"seed {Seed}");
        harness.ExpectNextClientIsServed();
        Descriptors.Close(signal, memory, unsealed);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(15u)]
    public void SizeThatCannotBe_EndsTheClient(uint size)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        byte[] message = Message(1, 4, 16u, 0u, 0u, 0u);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), size);

        harness.Send(client, message);

        harness.ExpectClosed(client);
        Assert.Equal(1, harness.FrontEnd.Counters.Breakdowns);
        harness.ExpectNextClientIsServed();
    }

    [Fact]
    public void RandomBytes_FromTheStart_EndTheClient()
    {
        var random = new Random(99);
        using var harness = new FrontEndHarness();
        for (int i = 0; i < 200; i++)
        {
            using TestClient client = harness.Connect();
            byte[] bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            harness.Send(client, bytes);
            harness.PumpOnce();
        }

        harness.ExpectNextClientIsServed();
    }

    /// <summary>Changes a few bytes, mostly to edges; the size stays true most of the time, or the first mutation would end all.</summary>
    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] message = [.. original];
        for (int changes = random.Next(4); changes > 0; changes--)
        {
            int at = random.Next(message.Length);
            if (at is >= 4 and < 8 && random.Next(20) != 0)
            {
                continue;
            }

            message[at] = random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)(message[at] + 1), _ => (byte)random.Next(256) };
        }

        if (random.Next(10) == 0)
        {
            message = message[..random.Next(16, message.Length + 1)];
            BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), message.Length);
        }

        return message;
    }
}
