using PcieOe.Host.Interop;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>Counts what the whole process allocates, so it runs beside nothing else.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public sealed unsafe class AllocationTests
{
    [Fact]
    public void RegionAccesses_InSteadyState_AllocateNothing()
    {
        const int Accesses = 2000;
        using var harness = new FrontEndHarness();
        harness.Function.RecordsWrites = false;
        using TestClient negotiated = harness.ConnectAndNegotiate();
        int socket = negotiated.Descriptor;
        byte[] read = Message(1, 9, 0x1Cul, 0u, 4u);
        byte[] write = MessageWithFlags(2, 10, 0x10, 0x1000ul, 0u, 4u, 7u);
        byte[] reply = new byte[64];
        Exchange(Accesses);
        long before = GC.GetTotalAllocatedBytes(precise: true);

        Exchange(Accesses);

        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(allocated < Accesses, $"{allocated} bytes for {2 * Accesses} accesses"); // the runtime's own threads allocate a little, too

        void Exchange(int count)
        {
            fixed (byte* question = read, post = write, answer = reply)
            {
                for (int i = 0; i < count; i++)
                {
                    LibC.Write(socket, post, (nuint)write.Length);
                    LibC.Write(socket, question, (nuint)read.Length);
                    while (LibC.Read(socket, answer, 36) != 36)
                    {
                        harness.PumpOnce();
                    }
                }
            }
        }
    }
}
