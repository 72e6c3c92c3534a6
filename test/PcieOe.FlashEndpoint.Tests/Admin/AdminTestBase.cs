using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

/// <summary>What tests of admin commands share: a ready controller, a page for data, short ways to send commands.</summary>
public abstract class AdminTestBase : IDisposable
{
    private protected AdminTestBase(NvmeOptions? options = null, IBlockMedia? media = null)
    {
        Harness = ControllerHarness.Ready(out TestQueue io, options, media);
        Io = io;
        Page = Harness.AllocatePages(2);
    }

    private protected ControllerHarness Harness { get; }

    private protected TestQueue Io { get; }

    private protected ulong Page { get; }

    public void Dispose()
    {
        Assert.Equal(0, Harness.Host.WritesOutsideMemory);
        Harness.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected NvmeStatus Identify(IdentifyCns cns, uint namespaceId = 0, uint dword11 = 0, uint controllerId = 0)
    {
        Harness.Host.Bytes(Page, 4096).Fill(0xA5);
        return Run(AdminOpcode.Identify, (uint)cns | controllerId << 16, dword11, namespaceId).Status;
    }

    private protected T Data<T>() where T : unmanaged => MemoryMarshal.Read<T>(Harness.Host.Bytes(Page, 4096));

    private protected CompletionEntry SetFeature(FeatureId feature, uint value, uint namespaceId = 0) =>
        Run(AdminOpcode.SetFeatures, (uint)feature, value, namespaceId);

    private protected CompletionEntry GetFeature(FeatureId feature, uint value = 0, uint select = 0) =>
        Run(AdminOpcode.GetFeatures, (uint)feature | select << 8, value);

    private protected NvmeStatus GetLog(LogPageId page, int bytes, ulong offset = 0, bool retain = false, uint namespaceId = 0xFFFF_FFFF)
    {
        Harness.Host.Bytes(Page, 8192).Fill(0xA5);
        uint count = (uint)(bytes / 4 - 1);
        return Harness.RunAdmin(Entry(AdminOpcode.GetLogPage, (uint)page | (retain ? 1u << 15 : 0) | count << 16, count >> 16, namespaceId) with
        {
            CommandDword12 = (uint)offset,
            CommandDword13 = (uint)(offset >> 32),
        }).Status;
    }

    private protected CompletionEntry Run(AdminOpcode opcode, uint dword10 = 0, uint dword11 = 0, uint namespaceId = 0) =>
        Harness.RunAdmin(Entry(opcode, dword10, dword11, namespaceId));

    private protected SubmissionEntry Entry(AdminOpcode opcode, uint dword10, uint dword11, uint namespaceId) =>
        ControllerHarness.AdminEntry(opcode, namespaceId) with { CommandDword10 = dword10, CommandDword11 = dword11, Prp1 = Page, Prp2 = Page + 4096 };

    private protected NvmeStatus RunIo(NvmOpcode opcode, ulong lba = 0, int blocks = 1, uint namespaceId = 1) =>
        Harness.Run(Io, ControllerHarness.IoEntry(opcode, lba, blocks, Page, Page + 4096, namespaceId)).Status;
}
